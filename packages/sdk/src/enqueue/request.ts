import { uuidv7 } from '@ojs-ts/core';
import type { JobDef } from '../definition.ts';
import type { WireRequest } from '../draft.ts';
import type { JsonArray } from '../job.ts';
import { definitionOf, type EnqueueOptions, inQueue, type JobRequest, withDefaults } from '../options.ts';

/** Present in `meta` where args are encoded, such as encrypted, so that only who decodes them can check them (ojs-encryption §4). */
const encodedBy = 'ojs.codec.encodings';

/** The request of one call, with its id. */
export function requestOf(target: string | JobDef, args: JsonArray, options: EnqueueOptions, queue: string | undefined): JobRequest {
  const { signal: _, requestTimeout: __, ...own } = options;
  // What is neither goes on as a type, and is refused as one.
  if (typeof target !== 'object' || target === null) return complete({ ...own, type: target, args }, queue);
  return complete({ ...withDefaults(target.defaults, own), type: target.type, args, [definitionOf]: target }, queue);
}

/** A copy with what a job has from here on: an id, and the queue of its client. What middleware changes is the copy's own, two levels deep. */
export function complete(request: JobRequest, queue: string | undefined): JobRequest {
  return { ...inQueue(request, queue), id: request.id ?? uuidv7() };
}

/** A request that may be sent. */
export interface Checked {
  readonly wire: WireRequest;
  /** What the definition's schema made of the args, where it was asked. */
  readonly parsed?: JsonArray;
}

/** The definition that checks the args of the request. */
export function schemaOf(request: JobRequest): JobDef | undefined {
  const definition = request[definitionOf];
  if (definition?.schemas === undefined || definition.type !== request.type) return undefined;
  if (definition.schemas.args === undefined && definition.schemas.payload === undefined) return undefined;
  return request.meta !== undefined && encodedBy in request.meta ? undefined : definition;
}
