import { OJSValidationError } from '../../errors.ts';
import { type LogLevel, logLevels } from '../../logger.ts';

/** What `OJS_LOG_LEVEL` says, in any case. @throws {OJSValidationError} where that is no level. */
export function readLogLevel(): LogLevel | undefined {
  const text = process.env.OJS_LOG_LEVEL;
  if (!text) return undefined;
  const level = logLevels.find((one) => one === text.toLowerCase());
  if (level !== undefined) return level;
  throw OJSValidationError.of('OJS_LOG_LEVEL', `expected one of ${logLevels.join(', ')}, got ${JSON.stringify(text)}`);
}
