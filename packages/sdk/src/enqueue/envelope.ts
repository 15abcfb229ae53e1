import type { WireRequest } from '../draft.ts';
import { type Job, readJob } from '../job.ts';
import { isWire, textOf, type Wire, wireOf } from '../json.ts';

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
  return {
    queue: request.queue,
    ...rest,
    ...own,
    ...(textOf(scheduledAt) !== undefined && { scheduled_at: scheduledAt }),
    attempt: 0,
  };
}
