import { uuidIn } from '@ojs-ts/core';
import type { Logger } from '../connection/logger.ts';
import { definitionOf, type JobDef, type JobRequest, parseArgs, parseArgsNow } from '../job/definition.ts';
import { type EnqueueOptions, enqueueNames, inQueue, type JobOptions, withDefaults } from '../job/options.ts';
import { type WireRequest, wireRequest } from '../job/wire.ts';
import type { JsonArray } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { warnOfSeconds } from '../options/values.ts';

/** The request of one call, with its id. @throws {OJSValidationError} for an unknown option. */
export function requestOf(
  target: string | JobDef,
  args: JsonArray,
  options: EnqueueOptions,
  queue: string | undefined,
): JobRequest {
  checkNames(options, enqueueNames);
  const own = withoutCall(options);
  // Any other value is refused later, as a wrong type.
  if (typeof target !== 'object' || target === null) return complete({ ...own, type: target, args }, queue);
  return complete({ ...withDefaults(target.defaults, own), type: target.type, args, [definitionOf]: target }, queue);
}

/** The options of the job. Most calls have none of their own, and a copy without two members costs 0.4 µs. */
function withoutCall(options: EnqueueOptions): JobOptions {
  if (!('signal' in options) && !('requestTimeout' in options)) return options;
  const { signal: _, requestTimeout: __, ...own } = options;
  return own;
}

/** A copy with an id, and with the queue of the client if it names none. */
export function complete(request: JobRequest, queue: string | undefined): JobRequest {
  const own = queue === undefined ? request : inQueue(request, queue);
  return { ...own, id: request.id ?? uuidIn(own.queue ?? 'default') };
}

/**
 * The member of `meta` that marks encoded args, for example encrypted ones (ojs-encryption §4). A schema cannot check
 * those.
 */
const encodedBy = 'ojs.codec.encodings';

/** A request that has passed its checks. */
export interface Checked {
  readonly wire: WireRequest;
  /** The definition whose schema has checked the args; absent without a schema. */
  readonly definition?: JobDef;
  /** The output of the definition's schema for the args; absent without a schema. */
  readonly parsed?: JsonArray;
}

/** The definition that checks the args of the request. */
function schemaOf(request: JobRequest): JobDef | undefined {
  const definition = request[definitionOf];
  if (definition?.schemas === undefined || definition.type !== request.type) return undefined;
  if (definition.schemas.args === undefined && definition.schemas.payload === undefined) return undefined;
  return request.meta !== undefined && encodedBy in request.meta ? undefined : definition;
}

/**
 * Checks a request. The given args are sent, and the worker parses them again. The schema of a definition does not
 * apply to another job type or to encoded args.
 * @throws {OJSValidationError} with every issue's path, before anything is sent.
 */
export function check(request: JobRequest, logger?: Logger): Checked | Promise<Checked> {
  // Before any await: the caller may change args and meta after the call.
  const wire = wireRequest(request);
  if (request.timeout !== undefined) warnOfSeconds(request.timeout, 'timeout', logger);
  const definition = schemaOf(request);
  if (definition === undefined) return { wire };
  return parseArgs(definition, request.args).then((parsed) => ({ wire, definition, parsed }));
}

/** Same, synchronously. @throws {OJSValidationError} also for an asynchronous schema. */
export function checkNow(request: JobRequest, logger?: Logger): Checked {
  const wire = wireRequest(request);
  if (request.timeout !== undefined) warnOfSeconds(request.timeout, 'timeout', logger);
  const definition = schemaOf(request);
  return definition === undefined ? { wire } : { wire, definition, parsed: parseArgsNow(definition, request.args) };
}
