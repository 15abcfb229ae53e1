import { errorFingerprint, type JobRecord, State, Terminal } from '@ojs-ts/core/job';
import { isIn, limitGroupOf, overdueAt } from '@ojs-ts/core/lifecycle';
import { readyQueueOf } from '../limits/limit-deltas.ts';

export type Row = { readonly [column: string]: unknown };

/** The rows of a job by table: its constant part, its state, its texts. */
export function jobRows(number: number, place: number | null, job: JobRecord): readonly (readonly [string, Row])[] {
  const { result, progress, checkpoint, history } = job;
  const hasTexts = [result, progress, checkpoint, history || null].some((text) => text !== null);
  return [
    ['jobs', payload(number, job)],
    standing(number, place, job, hasTexts),
    ...(hasTexts ? [['texts', { number, result, progress, checkpoint, history }] as const] : []),
  ];
}

function payload(number: number, job: JobRecord): Row {
  return {
    ...{ id: job.id, number, created_at: job.createdAt, timeout_ms: job.timeoutMs, heartbeat_ms: job.heartbeatMs },
    ...{ visibility_ms: job.visibilityMs, expires_at: job.expiresAt, later_expires_at: job.laterExpiresAt },
    ...{ deadline_at: job.deadlineAt, priority: job.priority, policy: job.policy, envelope: job.envelope },
    ...inAll(job),
  };
}

/** The columns that an unfinished job has in both of its tables. */
function inAll({ queue, type, trace, node, cron, uniqueKey, limits }: JobRecord): Row {
  return {
    ...{ queue, type, trace, workflow: node?.workflow ?? null, node: node?.index ?? null, cron, unique_key: uniqueKey },
    limits: limits.length === 0 ? null : JSON.stringify(limits),
  };
}

function standing(number: number, place: number | null, job: JobRecord, texts: boolean): readonly [string, Row] {
  const { id, state, claim, attempt, worker, queue, type, uniqueKey } = job;
  const row = {
    ...{ id, number, claim, attempt, lease_required: job.leaseRequired, run_at: job.runAt, texts, worker },
    ...{ enqueued_at: job.enqueuedAt, started_at: job.startedAt },
    unique_at: uniqueKey === null ? null : job.createdAt,
  };
  if (isIn(state, Terminal)) {
    const end = { state, finished_at: job.finishedAt, dead_letter: job.deadLetter };
    return ['ended', { ...row, ...end, queue, type, unique_key: uniqueKey, fingerprint: errorFingerprint(job) }];
  }
  if (state === State.active) {
    const lease = { due_at: overdueAt(job), lease_ms: job.leaseMs, lease_until: job.leaseUntil, beat_at: job.beatAt };
    return ['active', { ...row, ...inAll(job), ...lease }];
  }
  const waiting = { ...row, ...inAll(job), expires_at: job.expiresAt };
  if (state !== State.available) return ['due', { ...waiting, state, fingerprint: errorFingerprint(job) }];
  const readyQueue = readyQueueOf(queue, limitGroupOf(job.limits));
  return ['ready', { ...waiting, place, priority: job.priority, ready_queue: readyQueue }];
}
