import type { Platform } from './platform/platform.ts';

/** Structured: a sentence and its fields. Never given args, meta or results (SDK-020). */
export type Logger = Record<'debug' | 'info' | 'warn' | 'error', (message: string, fields?: object) => void>;

const levels: readonly string[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Writes to the console from `OJS_LOG_LEVEL` (default `info`) up. */
export function consoleLogger(platform: Platform): Logger {
  const wanted = levels.indexOf(platform.env('OJS_LOG_LEVEL')?.toLowerCase() ?? '');
  const threshold = wanted < 0 ? 1 : wanted;
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: object) => {
    if (levels.indexOf(level) < threshold) return;
    if (fields === undefined) console[level](`ojs: ${message}`);
    else console[level](`ojs: ${message}`, fields);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** The logger with more fields on every line. */
export function loggerWith(logger: Logger, extra: object): Logger {
  const at = (level: keyof Logger) => (message: string, fields?: object) => logger[level](message, { ...extra, ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
