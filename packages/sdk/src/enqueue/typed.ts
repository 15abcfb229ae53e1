import type { JobDef } from '../definition.ts';
import { isOjsError, OJSValidationError } from '../errors.ts';
import { handleOf, type JobCalls, type JobHandle } from '../handle.ts';
import type { Job, JsonArray } from '../job.ts';
import { parseArgs, parseArgsNow } from '../parse-args.ts';
import type { Sent } from './sent.ts';
import { withArgs } from './with-args.ts';

/** With args as the definition's schema makes them; as they came where it no longer takes them, such as those of an older version. */
async function parsedJob<A extends JsonArray, R>(job: Job<A, R>, definition: JobDef): Promise<Job<A, R>> {
  return withArgs(job, await parseArgs(definition, job.args).catch(unparsed));
}

/** Same without waiting. */
export function parsedJobNow(job: Job, definition: JobDef): Job {
  try {
    return withArgs(job, parseArgsNow(definition, job.args));
  } catch (error) {
    return withArgs(job, unparsed(error));
  }
}

function unparsed(error: unknown): undefined {
  if (!isOjsError(error)) throw error;
}

/** @param parsed what the definition's schema made of the args that were sent. */
export async function typedHandle(
  { job, outcome }: Sent,
  parsed: JsonArray | undefined,
  definition: JobDef,
  calls: JobCalls,
): Promise<JobHandle> {
  const seen = outcome === 'duplicate' ? await parsedJob(job, definition) : withArgs(job, parsed);
  return handleOf(seen, outcome, parsingCalls(calls, definition));
}

/** Of a job that was found by its id. @throws {OJSValidationError} for a job of another type. */
export async function typedJobHandle(job: Job, definition: JobDef, calls: JobCalls): Promise<JobHandle> {
  checkType(job, definition);
  return handleOf(await parsedJob(job, definition), 'created', parsingCalls(calls, definition));
}

/** @throws {OJSValidationError} Its args and result would be taken for what they are not. */
export function checkType({ id, type }: Job, definition: JobDef): void {
  if (type !== definition.type)
    throw OJSValidationError.of('jobId', `job ${id} is of type ${type}, not ${definition.type}`);
}

/** So that a handle of a typed job shows typed args after `refresh()` too. */
function parsingCalls(calls: JobCalls, definition: JobDef): JobCalls {
  return {
    ...calls,
    read: async (jobId, options) => parsedJob(await calls.read(jobId, options), definition),
    cancel: async (jobId, options) => parsedJob(await calls.cancel(jobId, options), definition),
  };
}
