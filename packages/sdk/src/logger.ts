import { envChoice } from './environment.ts';

/** Structured: a sentence and its fields. Never given args, meta or results (SDK-020). */
export type Logger = Record<'debug' | 'info' | 'warn' | 'error', (message: string, fields?: object) => void>;

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** Writes to the console from `OJS_LOG_LEVEL` (default `info`) up. @throws {OJSValidationError} where that names no level. */
export function consoleLogger(): Logger {
  const threshold = levels.indexOf(envChoice('OJS_LOG_LEVEL', levels) ?? 'info');
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: object) => {
    if (levels.indexOf(level) < threshold) return;
    if (fields === undefined) console[level](`ojs: ${message}`);
    else console[level](`ojs: ${message}`, fields);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** What a logger of the caller's throws must not decide what becomes of a job. */
export function guarded(logger: Logger): Logger {
  const at =
    (level: keyof Logger) =>
    (...line: [message: string, fields?: object]) => {
      try {
        logger[level](...line);
      } catch {
        // There is nobody to tell.
      }
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** The logger with more fields on every line. */
export function loggerWith(logger: Logger, extra: object): Logger {
  const at = (level: keyof Logger) => (message: string, fields?: object) => logger[level](message, { ...extra, ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
