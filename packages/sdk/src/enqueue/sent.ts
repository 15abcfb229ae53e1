import type { WireRequest } from '../draft.ts';
import type { EnqueueOutcome } from '../handle.ts';
import { type Job, readJob } from '../job.ts';
import { isWire, textOf, type Wire, wireOf } from '../json.ts';

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

/** The job of a bulk answer that tells only its id, type and state: the rest is what was sent. */
export function filledIn(request: WireRequest, summary: Wire): Job {
  return readJob({ ...sentEnvelope(request), ...summary });
}

/** The request as an envelope. */
export function sentEnvelope(request: WireRequest): Wire {
  const body: unknown = JSON.parse(request.text);
  if (!isWire(body)) return {};
  const { options, ...rest } = body;
  const { delay_until: scheduledAt, ...own } = wireOf(options) ?? {};
  return { queue: request.queue, ...rest, ...own, ...(textOf(scheduledAt) !== undefined && { scheduled_at: scheduledAt }), attempt: 0 };
}
