import { platform } from '#platform';
import { logLevels } from '../platform/platform.ts';

/** Structured: an event, such as `job failed`, and its fields. Never given args, meta or results (SDK-020). */
export type Logger = Record<'debug' | 'info' | 'warn' | 'error', (message: string, fields?: object) => void>;

type Line = readonly [message: string, fields?: object];

/** Writes to the console from `OJS_LOG_LEVEL` up, by default from `info`, in tests from `warn`. @throws {OJSValidationError} where that names no level. */
export function consoleLogger(): Logger {
  const { environment, process } = platform;
  const isTest = environment?.text('NODE_ENV') === 'test' || environment?.text('NODE_TEST_CONTEXT') !== undefined;
  const threshold = logLevels.indexOf(environment?.logLevel() ?? (isTest ? 'warn' : 'info'));
  return loggerOf((level, message, ...fields) => {
    // A process has its standard output for what it is asked for: console.info would write there.
    const method = process === undefined || level === 'error' ? level : 'warn';
    if (logLevels.indexOf(level) >= threshold) console[method](`ojs: ${message}`, ...fields);
  });
}

/** What a logger of the caller's throws must not decide what becomes of a job. */
export function guarded(logger: Logger): Logger {
  return loggerOf((level, ...line) => {
    try {
      logger[level](...line);
    } catch {
      // There is nobody to tell.
    }
  });
}

/** The logger with more fields on every line. */
export function loggerWith(logger: Logger, extra: object): Logger {
  return loggerOf((level, message, fields) => logger[level](message, { ...extra, ...fields }));
}

function loggerOf(write: (level: keyof Logger, ...line: Line) => void): Logger {
  const at =
    (level: keyof Logger) =>
    (...line: Line) =>
      write(level, ...line);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
