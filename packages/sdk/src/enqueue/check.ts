import type { JobDef } from '../definition.ts';
import { type Drafted, drafted, finished, type WireRequest } from '../draft.ts';
import { OJSValidationError } from '../errors.ts';
import type { JsonArray } from '../job.ts';
import type { Logger } from '../logger.ts';
import { definitionOf, type JobRequest } from '../options.ts';
import { parseArgs, parseArgsNow } from '../parse-args.ts';
import { problemOf, refuse } from '../refusal.ts';
import { warnOfSeconds } from '../seconds.ts';
import { wireOptions, wireRequest } from '../wire.ts';

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
export async function check(request: JobRequest, logger?: Logger): Promise<Checked> {
  return checkDrafted(drafted(request), logger);
}

/** Same, of a request as it was when it was called. */
export async function checkDrafted(own: Drafted, logger?: Logger): Promise<Checked> {
  const { request, draft } = own;
  if (draft === null) {
    refuse(problemOf(request));
    throw new OJSValidationError('The request could not be sent as it was when it was given, and was changed since.');
  }
  const wire = finished(draft, wireOptions(request));
  warnOfSeconds(request.timeout, 'timeout', logger);
  const definition = schemaOf(request);
  return definition === undefined ? { wire } : { wire, parsed: await parseArgs(definition, request.args) };
}

/** Same without waiting. @throws {OJSValidationError} also for a schema that needs to wait. */
export function checkNow(request: JobRequest, logger?: Logger): Checked {
  const wire = wireRequest(request);
  warnOfSeconds(request.timeout, 'timeout', logger);
  const definition = schemaOf(request);
  return definition === undefined ? { wire } : { wire, parsed: parseArgsNow(definition, request.args) };
}
