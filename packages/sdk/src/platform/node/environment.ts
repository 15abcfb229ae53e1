import type { Environment } from '../../environment.ts';
import { OJSValidationError } from '../../errors.ts';
import { logLevels } from '../../logger.ts';
import { readQueueName } from '../../names.ts';
import { readBaseUrl } from '../../transport/base-url.ts';

/** The variables of the process. */
export const environment: Environment = {
  text,
  url: () => read('OJS_BACKEND_URL', readBaseUrl),
  token: () => text('OJS_AUTH_TOKEN'),
  queue: () => read('OJS_QUEUE', readQueueName),
  logLevel: () =>
    read('OJS_LOG_LEVEL', (word, name) => {
      const level = logLevels.find((one) => one === word.toLowerCase());
      if (level !== undefined) return level;
      throw OJSValidationError.of(name, `expected one of ${logLevels.join(', ')}, got ${JSON.stringify(word)}`);
    }),
};

function text(name: string): string | undefined {
  return process.env[name] || undefined;
}

function read<T>(name: string, check: (value: string, name: string) => T): T | undefined {
  const value = text(name);
  return value === undefined ? undefined : check(value, name);
}
