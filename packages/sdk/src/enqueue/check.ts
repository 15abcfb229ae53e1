import type { JobRequest } from '../options.ts';
import { parseArgs, parseArgsNow } from '../parse-args.ts';
import { wireRequest } from '../wire.ts';
import { type Checked, schemaOf } from './request.ts';

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
