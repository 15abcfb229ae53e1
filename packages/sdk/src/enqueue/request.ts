import { uuidv7 } from '@ojs-ts/core';
import type { JobDef } from '../definition.ts';
import type { JsonArray } from '../job.ts';
import { known } from '../known.ts';
import { definitionOf, type EnqueueOptions, enqueueNames, inQueue, type JobRequest, withDefaults } from '../options.ts';

/** The request of one call, with its id. @throws {OJSValidationError} for an unknown option. */
export function requestOf(
  target: string | JobDef,
  args: JsonArray,
  options: EnqueueOptions,
  queue: string | undefined,
): JobRequest {
  known(options, enqueueNames);
  const { signal: _, requestTimeout: __, ...own } = options;
  // What is neither goes on as a type, and is refused as one.
  if (typeof target !== 'object' || target === null) return complete({ ...own, type: target, args }, queue);
  return complete({ ...withDefaults(target.defaults, own), type: target.type, args, [definitionOf]: target }, queue);
}

/** A copy with what a job has from here on: an id, and the queue of its client. What middleware changes is the copy's own, two levels deep. */
export function complete(request: JobRequest, queue: string | undefined): JobRequest {
  return { ...inQueue(request, queue), id: request.id ?? uuidv7() };
}
