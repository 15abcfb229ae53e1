import type { JobDef } from '../definition.ts';
import { isOjsError } from '../errors.ts';
import type { JobCalls } from '../handle.ts';
import type { Job, JsonArray } from '../job.ts';
import { parseArgs, parseArgsNow } from '../parse-args.ts';
import { withArgs } from './shown.ts';

export { parseArgs };

/** With args as the definition's schema makes them; as they came where it no longer takes them, such as those of an older version. */
export async function parsedJob<A extends JsonArray, R>(job: Job<A, R>, definition: JobDef): Promise<Job<A, R>> {
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

/** So that a handle of a typed job shows typed args after `refresh()` too. */
export function parsingCalls(calls: JobCalls, definition: JobDef): JobCalls {
  return {
    ...calls,
    read: async (jobId, options) => parsedJob(await calls.read(jobId, options), definition),
    cancel: async (jobId, options) => parsedJob(await calls.cancel(jobId, options), definition),
  };
}
