import { isOjsError, OJSValidationError } from '../errors.ts';
import { type JobDef, parseArgs, parseArgsNow } from '../job/definition.ts';
import { handleOf, type JobCalls, type JobHandle, withArgs } from '../job/handle.ts';
import type { Job } from '../job/job.ts';
import { sentHandle } from '../job/new-handle.ts';
import { jobOf } from '../job/new-job.ts';
import type { JsonArray } from '../json.ts';
import type { Checked } from './request.ts';
import type { Sent } from './single.ts';

/**
 * The job with the output of the definition's schema as args. If the schema refuses them, for example those of an older
 * version, they stay.
 */
async function parsedJob<A extends JsonArray, R>(job: Job<A, R>, definition: JobDef): Promise<Job<A, R>> {
  return withArgs(job, await parseArgs(definition, job.args).catch(unparsed));
}

/** Same, synchronously. */
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

/** The handle of a job that was found by its id. @throws {OJSValidationError} for a job of another type. */
export async function typedJobHandle(job: Job, definition: JobDef, calls: JobCalls): Promise<JobHandle> {
  checkType(job, definition);
  return handleOf(await parsedJob(job, definition), 'created', parsingCalls(calls, definition));
}

/** @throws {OJSValidationError} for another type, because the types of args and result would be wrong. */
export function checkType({ id, type }: Job, definition: JobDef): void {
  if (type !== definition.type)
    throw OJSValidationError.of(
      'jobId',
      `job ${id} is of type ${type}, not ${definition.type}; pass the definition of ${type}`,
    );
}

/** Calls that parse args, so that `refresh()` and `cancel()` of a typed handle return typed args too. */
function parsingCalls(calls: JobCalls, definition: JobDef): JobCalls {
  return {
    ...calls,
    read: async (jobId, options) => parsedJob(await calls.read(jobId, options), definition),
    cancel: async (jobId, options) => parsedJob(await calls.cancel(jobId, options), definition),
  };
}

/** The handle of a request that was sent, and whose args a schema has checked. */
export function typedSentHandle(
  { job, outcome }: Sent,
  parsed: Checked['parsed'],
  definition: JobDef,
  calls: JobCalls,
): JobHandle | Promise<JobHandle> {
  const parsing = parsingCalls(calls, definition);
  if (outcome !== 'duplicate') return sentHandle(job, outcome, parsing, parsed);
  return parsedJob(jobOf(job), definition).then((current) => handleOf(current, outcome, parsing));
}
