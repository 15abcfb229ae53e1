import { uuidv7 } from '@ojs-ts/core';
import type { JobDef } from '../definition.ts';
import { definitionOf, parseArgs, parseArgsNow } from '../definition.ts';
import { OJSValidationError } from '../errors.ts';
import type { JsonArray } from '../job.ts';
import { type EnqueueOptions, type JobRequest, type WireRequest, wireRequest, withDefaults } from '../options.ts';

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
  const own = { ...request, id: request.id ?? uuidv7() };
  if (own.queue === undefined && queue !== undefined) own.queue = queue;
  return own;
}

/** Keeps what middleware changes inside of a request away from the caller and from a definition's defaults. */
export function detached(request: JobRequest): JobRequest {
  return {
    ...request,
    ...(Array.isArray(request.args) && { args: [...request.args] }),
    ...(request.meta && { meta: { ...request.meta } }),
    ...(request.retry && { retry: { ...request.retry } }),
    ...(request.unique && { unique: { ...request.unique } }),
    ...(request.tags && { tags: [...request.tags] }),
  };
}

/** A request that may be sent. */
export interface Checked {
  readonly wire: WireRequest;
  /** What the definition's schema made of the args, where it was asked. */
  readonly parsed?: JsonArray;
}

/**
 * What is sent are the args as they were given: the worker parses them again. A definition has no say about another type, or about encoded args.
 * @throws {OJSValidationError} with every issue's path, before anything is sent.
 */
export async function check(request: JobRequest): Promise<Checked> {
  const wire = wireRequest(request);
  const definition = schemaOf(request);
  if (definition === undefined) return { wire };
  return { wire, parsed: await parseArgs(definition, request.args) };
}

/** Same without waiting. @throws {OJSValidationError} also for a schema that needs to wait. */
export function checkNow(request: JobRequest): Checked {
  const wire = wireRequest(request);
  const definition = schemaOf(request);
  return definition === undefined ? { wire } : { wire, parsed: parseArgsNow(definition, request.args) };
}

/** The definition that checks the args of the request. */
export function schemaOf(request: JobRequest): JobDef | undefined {
  const definition = request[definitionOf];
  if (definition?.schemas === undefined || definition.type !== request.type) return undefined;
  if (definition.schemas.args === undefined && definition.schemas.payload === undefined) return undefined;
  return request.meta !== undefined && encodedBy in request.meta ? undefined : definition;
}

/** The same error, of the request at `index` of a batch. */
export function atIndex(index: number, error: unknown): unknown {
  if (!(error instanceof OJSValidationError)) return error;
  const issues = error.issues.map(({ path, message }) => ({ path: `[${index}].${path}`, message }));
  return new OJSValidationError(`[${index}].${error.message}`, { cause: error, issues });
}
