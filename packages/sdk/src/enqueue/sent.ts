import type { EnqueueOutcome } from '../handle.ts';
import { type Job, readJob } from '../job.ts';
import type { Wire } from '../json.ts';

/** What became of a request. */
export interface Sent {
  readonly job: Job;
  readonly outcome: Exclude<EnqueueOutcome, 'dropped'>;
}

/** An answer to a single enqueue. */
export function readSent(body: Wire): Sent {
  return { job: readJob(body.job ?? body), outcome: outcomeOf(body) };
}

/** `deduplicated` and `updated` are told of a job that was there (ojs-unique-jobs §5.4), `replaced` of a new one that took its place. */
export function outcomeOf(body: Wire): Sent['outcome'] {
  if (body.deduplicated === true) return body.updated === true ? 'replaced' : 'duplicate';
  return Array.isArray(body.replaced) && body.replaced.length > 0 ? 'replaced' : 'created';
}
