import { platform } from '#platform';
import { logLevels } from '../platform/platform.ts';

/**
 * A structured logger: a message is an event, such as `job failed`, with fields. This package never logs args, meta or
 * results (ojs-sdk-guidelines, SDK-020).
 */
export type Logger = Record<'debug' | 'info' | 'warn' | 'error', (message: string, fields?: object) => void>;

type Line = readonly [message: string, fields?: object];

/**
 * Writes to the console from `OJS_LOG_LEVEL` up. Default: `info`, and `warn` in tests. @throws {OJSValidationError} if
 * the variable names no level.
 */
export function consoleLogger(): Logger {
  const { environment, process } = platform;
  const isTest = environment?.text('NODE_ENV') === 'test' || environment?.text('NODE_TEST_CONTEXT') !== undefined;
  const threshold = logLevels.indexOf(environment?.logLevel() ?? (isTest ? 'warn' : 'info'));
  return loggerOf((level, message, ...fields) => {
    // Standard output is for the output of the program; console.info would write there.
    const method = process === undefined || level === 'error' ? level : 'warn';
    if (logLevels.indexOf(level) >= threshold) console[method](`ojs: ${message}`, ...fields);
  });
}

/** A logger that never throws: an error of the caller's logger must not change the outcome of a job. */
export function guarded(logger: Logger): Logger {
  return loggerOf((level, ...line) => {
    try {
      logger[level](...line);
    } catch {
      // There is no other logger.
    }
  });
}

/** Adds fields to every line of the logger. */
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
