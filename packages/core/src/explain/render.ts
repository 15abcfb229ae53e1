import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { Explanation, Reason } from './reasons.ts';

/** The wire object of an explanation: absent members are not known, or do not apply. */
export function renderExplanation(explanation: Explanation): object {
  const { job, workflow, step, state, at, verdict, reasons, next } = explanation;
  return {
    ...(job !== null && { job_id: job }),
    ...(workflow !== null && { workflow_id: workflow }),
    ...(step !== null && { step }),
    state,
    checked_at: formatTimestamp(at),
    verdict,
    reasons: reasons.map(renderReason),
    next_start_at: time(next),
  };
}

function renderReason(reason: Reason): object {
  const { since, until, jobs, workers, steps, ...same } = reason;
  return {
    ...same,
    ...(since !== undefined && { since: formatTimestamp(since) }),
    ...(until !== undefined && { until: formatTimestamp(until) }),
    ...(jobs && { jobs: jobs.map(({ id, worker, since: at }) => ({ id, worker_id: worker, since: time(at) })) }),
    ...(workers && {
      workers: workers.map(({ seenAt, ...worker }) => ({ ...worker, last_seen_at: time(seenAt) })),
    }),
    ...(steps && { steps: steps.map(({ name, state, job }) => ({ id: name, state, job_id: job })) }),
  };
}

function time(at: Millis | null): string | null {
  return at === null ? null : formatTimestamp(at);
}
