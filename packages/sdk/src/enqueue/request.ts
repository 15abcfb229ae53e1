import { uuidv7 } from '@ojs-ts/core';
import type { Logger } from '../connection/logger.ts';
import { definitionOf, type JobDef, type JobRequest, parseArgs, parseArgsNow } from '../job/definition.ts';
import { type EnqueueOptions, enqueueNames, inQueue, withDefaults } from '../job/options.ts';
import { type WireRequest, wireRequest } from '../job/wire.ts';
import type { JsonArray } from '../json.ts';
import { known } from '../options/known.ts';
import { warnOfSeconds } from '../options/values.ts';

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

/** Present in `meta` where args are encoded, such as encrypted, so that only who decodes them can check them (ojs-encryption §4). */
const encodedBy = 'ojs.codec.encodings';

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

/**
 * What is sent are the args as they were given: the worker parses them again. A definition has no say about another type, or about encoded args.
 * @throws {OJSValidationError} with every issue's path, before anything is sent.
 */
export function check(request: JobRequest, logger?: Logger): Checked | Promise<Checked> {
  // Before anything is waited for: the caller may change args and meta after the call.
  const wire = wireRequest(request);
  warnOfSeconds(request.timeout, 'timeout', logger);
  const definition = schemaOf(request);
  if (definition === undefined) return { wire };
  return parseArgs(definition, request.args).then((parsed) => ({ wire, parsed }));
}

/** Same without waiting. @throws {OJSValidationError} also for a schema that needs to wait. */
export function checkNow(request: JobRequest, logger?: Logger): Checked {
  const wire = wireRequest(request);
  warnOfSeconds(request.timeout, 'timeout', logger);
  const definition = schemaOf(request);
  return definition === undefined ? { wire } : { wire, parsed: parseArgsNow(definition, request.args) };
}
