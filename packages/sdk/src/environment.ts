import { platform } from '#platform';
import type { LogLevel } from './logger.ts';
import { readQueueName } from './names.ts';

/** What the environment says; an empty variable counts as unset. Code wins over it, and it over the default (SDK-009). All but `text` throw OJSValidationError by the variable's name. */
export interface Environment {
  text(name: string): string | undefined;
  url(): URL | undefined;
  token(): string | undefined;
  queue(): string | undefined;
  logLevel(): LogLevel | undefined;
}

/** The queue of jobs that name none; undefined leaves it to the server. @throws {OJSValidationError} */
export function defaultQueue(option: string | undefined): string | undefined {
  return option === undefined ? platform.environment?.queue() : readQueueName(option, 'queue');
}
