import type { NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { known } from '../known.ts';

/** Which events, and from where on. */
export interface EventsOptions {
  /** Events of this queue's jobs, and of the queue. */
  queue?: string | undefined;
  /** Events of one job. The loop ends after its last one. */
  jobId?: string | undefined;
  /** Kinds, exact or a prefix with a trailing `*` (`'job.*'`); default: all. */
  types?: readonly string[] | undefined;
  /** The `id` of an event, or a cursor of a server: goes on after it. Default: from now on. */
  after?: string | undefined;
  /** Aborting ends the loop by its reason. */
  signal?: AbortSignal | undefined;
}

const eventsNames: NamesOf<EventsOptions> = { queue: true, jobId: true, types: true, after: true, signal: true };

/** @throws {OJSValidationError} */
export function checkEventsOptions(options: EventsOptions): void {
  known(options, eventsNames);
  const { queue, jobId, types, after } = options;
  for (const [name, value] of Object.entries({ queue, jobId, after })) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw OJSValidationError.of(name, 'expected a text');
  }
  if (queue !== undefined && jobId !== undefined) throw OJSValidationError.of('queue', 'give queue or jobId, not both');
  if (types === undefined) return;
  if (!Array.isArray(types))
    throw OJSValidationError.of('types', "expected an array such as ['job.completed', 'workflow.*']");
  types.forEach((type, index) => {
    if (typeof type !== 'string' || !/^[a-z0-9_.-]+\*?$|^\*$/.test(type)) {
      throw OJSValidationError.of(
        `types[${index}]`,
        `expected a kind such as 'job.completed' or 'job.*', got ${JSON.stringify(type)}`,
      );
    }
  });
}
