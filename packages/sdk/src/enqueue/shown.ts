import { type JobDef, parseArgs, parseArgsNow } from '../definition.ts';
import { isOjsError } from '../errors.ts';
import type { EnqueueOutcome } from '../handle.ts';
import type { Job, JsonArray } from '../job.ts';
import type { Logger } from '../logger.ts';

export function withArgs<A extends JsonArray, R>(job: Job<A, R>, args: JsonArray | undefined): Job<A, R>;
export function withArgs(job: Job, args: JsonArray | undefined): Job {
  return args === undefined ? job : { ...job, args };
}

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

/** Tells of a job that was put into its queue. The job is there, whatever a listener makes of it. */
export function tell(listener: ((job: Job) => void) | undefined, job: Job & { readonly outcome: EnqueueOutcome }, logger: Logger): void {
  if (listener === undefined || job.outcome === 'duplicate') return;
  try {
    listener(job);
  } catch (error) {
    logger.error('onJobEnqueued has thrown.', { job_id: job.id, error });
  }
}

function unparsed(error: unknown): undefined {
  if (!isOjsError(error)) throw error;
}
