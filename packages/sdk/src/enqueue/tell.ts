import type { EnqueueOutcome } from '../handle.ts';
import type { Job } from '../job.ts';
import type { Logger } from '../logger.ts';

/** Tells of a job that was put into its queue. The job is there, whatever a listener makes of it. */
export function tell(
  listener: ((job: Job) => void) | undefined,
  job: Job & { readonly outcome: EnqueueOutcome },
  logger: Logger,
): void {
  if (listener === undefined || job.outcome === 'duplicate') return;
  try {
    listener(job);
  } catch (error) {
    logger.error('onJobEnqueued has thrown.', { job_id: job.id, error });
  }
}
