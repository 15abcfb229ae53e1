import { platform } from '#platform';
import { OJSValidationError } from './errors.ts';
import { expectedQueue, isQueueName } from './names.ts';

/** A variable of the environment; an empty one counts as unset. Code wins over it, and it over the default (SDK-009). */
export function envText(name: string): string | undefined {
  return platform.env(name) || undefined;
}

/** The queue of jobs that name none; undefined leaves it to the server. @throws {OJSValidationError} */
export function defaultQueue(option: string | undefined): string | undefined {
  const queue = option ?? envText('OJS_QUEUE');
  if (queue === undefined || isQueueName(queue)) return queue;
  const name = option === undefined ? 'OJS_QUEUE' : 'queue';
  throw OJSValidationError.of(name, expectedQueue(queue));
}
