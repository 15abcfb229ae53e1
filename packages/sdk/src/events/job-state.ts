import type { Connection } from '../connection.ts';
import { OJSTimeoutError } from '../errors.ts';
import type { Job } from '../job.ts';
import { getJob } from '../jobs.ts';

/** Whoever waited has waited long enough: one more answer may take so long, in milliseconds. */
const patienceMs = 500;

/** The job as it is when the time is up; null where the server does not say in a moment. */
export async function jobNow(connection: Connection, jobId: string): Promise<Job | null> {
  const signal = AbortSignal.any([AbortSignal.timeout(patienceMs), connection.closing]);
  return connection.ask(getJob(jobId), { signal, requestTimeout: patienceMs }).catch(() => null);
}

/** The timeout with what keeps the job from ending. */
export function timeoutOf(ms: number, jobId: string, job: Job | null): OJSTimeoutError {
  const about = { jobId, queue: job?.queue, operation: 'job.get' };
  return new OJSTimeoutError(`The job has not ended within ${ms} ms.${job === null ? '' : ` ${stateOf(job)}`}`, about);
}

function stateOf({ state, queue, type, attempt, scheduledAt, errors, error }: Job): string {
  const last = error ?? errors.at(-1);
  const failure = last === undefined ? '' : `, after ${last.type}: ${last.message}`;
  switch (state) {
    case 'available':
      return `It is available in the queue ${queue}, and no worker has taken it${attempt === 0 ? ' yet' : ' again'}${failure}. Is there a worker that fetches ${queue} and has a handler for ${type}?`;
    case 'scheduled':
      return `It is scheduled${scheduledAt === undefined ? '' : ` for ${scheduledAt.toISOString()}`} in the queue ${queue}.`;
    case 'retryable':
      return `It waits for its next attempt in the queue ${queue}${failure}.`;
    case 'active':
      return `It is active: a worker runs attempt ${attempt}.`;
    default:
      return `It is ${state}.`;
  }
}
