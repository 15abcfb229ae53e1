import type { JobRecord } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';
import { deadAt } from './liveness.ts';

/** A worker that may be dead, with its last heartbeat and the jobs that it holds. */
export interface SilentWorker {
  /** Null for a worker that never sent a heartbeat. */
  readonly seenAt: Millis | null;
  readonly jobs: readonly Pick<JobRecord, 'startedAt' | 'leaseMs' | 'leaseUntil'>[];
}

/**
 * Those workers of one process that died together; empty while that is not known. All jobs of a process are judged at
 * once, or one of them would look as if it had been alone. A worker is gone when it is dead (`deadAt`), or when every
 * lease that it holds has ended in silence. A claim is a sign of life. The death waits for workers whose last sign is
 * about as old and that hold jobs: they may have died with it. One that was heard well after it lives.
 */
export function diedTogether<W extends SilentWorker>(
  workers: readonly W[],
  now: Millis,
  since: Millis,
  deadAfterMs: number,
): readonly W[] {
  const holding = workers.filter(({ jobs }) => jobs.length > 0);
  const gone = holding.filter((worker) => isGone(worker, now, since, deadAfterMs));
  const last = Math.max(...gone.map(signOf));
  const others = holding.filter((worker) => !gone.includes(worker));
  return others.some((worker) => signOf(worker) < last + deadAfterMs / 2) ? [] : gone;
}

function isGone({ seenAt, jobs }: SilentWorker, now: Millis, since: Millis, deadAfterMs: number): boolean {
  if (seenAt !== null && now >= deadAt(signOf({ seenAt, jobs }), since, deadAfterMs)) return true;
  const silentMs = seenAt === null ? Number.POSITIVE_INFINITY : now - Math.max(seenAt, since);
  const isOver = ({ leaseUntil, leaseMs }: SilentWorker['jobs'][number]) =>
    leaseUntil !== null && leaseUntil <= now && silentMs >= (leaseMs ?? deadAfterMs);
  if (jobs.every(isOver)) return true;
  return seenAt === null && jobs.some(({ leaseUntil }) => leaseUntil !== null && leaseUntil + deadAfterMs <= now);
}

function signOf({ seenAt, jobs }: SilentWorker): Millis {
  return Math.max(seenAt ?? Number.NEGATIVE_INFINITY, ...jobs.map(({ startedAt }) => startedAt ?? 0));
}

/** Whether nothing was heard of the worker of a job for as long as its lease: it beats more often than that. */
export function isSilent(
  job: Pick<JobRecord, 'leaseMs' | 'leaseRequired'>,
  worker: { readonly seenAt: Millis } | undefined,
  now: Millis,
  since: Millis,
  deadAfterMs: number,
): boolean {
  // Who asks for leases sends heartbeats, so a worker without one died before its first.
  if (worker === undefined) return job.leaseRequired;
  return now - Math.max(worker.seenAt, since) >= Math.min(deadAfterMs, job.leaseMs ?? deadAfterMs);
}
