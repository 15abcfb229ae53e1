import type { JobRecord } from '../job/job.ts';
import { State } from '../job/states.ts';
import { presumed } from '../lifecycle/deaths.ts';
import { leaseLost, overdue, policyOf } from '../lifecycle/decide.ts';
import { deadAt, liveness, type WorkerSigns } from '../lifecycle/liveness.ts';
import { allowedAttempts, retryPolicy } from '../lifecycle/retry.ts';
import { overdueAt } from '../lifecycle/transition.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { type Explanation, ofJob, plural, type Reason, type WorkerStatus } from './reasons.ts';
import { workerNamed } from './waiting.ts';

/** The facts about the execution of an active job. */
export interface ActiveFacts {
  /** The last heartbeats of its worker; null if it has sent none. */
  readonly worker: WorkerSigns | null;
  /** When this server began to listen to heartbeats: it counts the silence of workers from then at the earliest. */
  readonly since: Millis;
  readonly deadAfterMs: number;
  readonly poisonAfter: number;
}

/** Who runs an active job, and when the job is taken back. */
export function explainActive(job: JobRecord, facts: ActiveFacts, now: Millis): Explanation {
  const { worker, since, deadAfterMs, poisonAfter } = facts;
  const startedAt = job.startedAt ?? now;
  const isSilent =
    worker !== null && now >= deadAt(Math.max(worker.seenAt, startedAt), Number.NEGATIVE_INFINITY, deadAfterMs);
  const endedAt = overdueAt(job);
  if (endedAt !== null && endedAt <= now) {
    const is = presumed(job, worker ?? undefined, now, since, deadAfterMs);
    const { to } = overdue(job, now, () => 0, is === 'dead' ? { beside: 0 } : null, poisonAfter) ?? { to: job.state };
    const consequence =
      is === 'unknown'
        ? 'the job waits until its worker sends a heartbeat or is dead'
        : `unless a heartbeat comes first, ${fateOf(to)}`;
    const message = `The lease, a timeout or the heartbeats of the job ended at ${formatTimestamp(endedAt)}; ${consequence}.`;
    const reason: Reason = { code: 'overdue', message, since: endedAt, ...workersOf(job, facts, isSilent) };
    const next = is !== 'unknown' && to === State.available ? now : null;
    return ofJob(job, [reason], next, now);
  }
  if (worker !== null && isSilent) {
    const until = Math.max(now, deadAt(Math.max(worker.seenAt, startedAt), since, deadAfterMs));
    const { to } = leaseLost(job, 'worker_death', now, poisonAfter);
    const reason: Reason = {
      code: 'worker_silent',
      message:
        `${workerNamed(job.worker)} sent its last heartbeat at ${formatTimestamp(worker.seenAt)} ` +
        `and is dead after ${plural(deadAfterMs / 1_000, 'second')} without one; ` +
        `by ${formatTimestamp(until)} ${fateOf(to)}.`,
      since: worker.seenAt,
      until,
      ...workersOf(job, facts, true),
      remedy: 'Remove the worker: its jobs are taken back at once.',
    };
    return ofJob(job, [reason], to === State.available ? until : null, now);
  }
  if (job.worker !== null) {
    const held = { id: job.id, claim: job.claim, worker: job.worker, startedAt };
    if (liveness(held, worker, now, since, deadAfterMs) === 'forgotten') {
      const message =
        `The last two heartbeats of worker ${job.worker} do not list the job: ` +
        'the answer to its fetch was lost, and the job goes back uncounted.';
      const reason: Reason = { code: 'lost_answer', message, since: startedAt, ...workersOf(job, facts, false) };
      return ofJob(job, [reason], now, now);
    }
  }
  return ofJob(job, [running(job, facts, startedAt)], null, now);
}

function running(job: JobRecord, facts: ActiveFacts, startedAt: Millis): Reason {
  const until = overdueAt(job);
  const lease = job.leaseUntil === null ? '' : `; its lease ends at ${formatTimestamp(job.leaseUntil)}`;
  const beats = facts.worker === null ? ', and no heartbeat is on record' : ', unless a heartbeat extends it';
  const of = allowedAttempts(retryPolicy(policyOf(job).retry));
  return {
    code: 'running',
    message:
      `${workerNamed(job.worker)} runs attempt ${job.attempt} of ${of} since ` +
      `${formatTimestamp(startedAt)}${lease}${beats}.`,
    since: startedAt,
    ...(until !== null && { until }),
    ...workersOf(job, facts, false),
    ...(facts.worker === null &&
      job.worker !== null && { remedy: 'If the worker is gone, remove it: its jobs go back at once.' }),
  };
}

function workersOf({ worker: id }: JobRecord, { worker }: ActiveFacts, isSilent: boolean): Pick<Reason, 'workers'> {
  if (id === null) return {};
  const status: WorkerStatus = worker === null ? 'unknown' : isSilent ? 'dead' : 'live';
  const held = worker?.holds?.length ?? null;
  return { workers: [{ id, status, seenAt: worker?.seenAt ?? null, held, slots: null }] };
}

function fateOf(to: State): string {
  if (to === State.available) return 'the job goes back to its queue';
  return to === State.retryable ? 'the job waits for its next attempt' : 'the job is discarded';
}
