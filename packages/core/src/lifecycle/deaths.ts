import type { JobRecord } from '../job/job.ts';
import { State } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { overdueCause } from './decide.ts';
import { deadAt, type WorkerSigns } from './liveness.ts';

/** When the last two heartbeats of a worker came. */
type Beats = Pick<WorkerSigns, 'seenAt' | 'seenBefore'>;

/** A worker that may be dead, with its last heartbeat and the jobs that it holds. */
export interface SilentWorker {
  /** Its last heartbeats; null for a worker that never sent one. */
  readonly signs: Beats | null;
  readonly jobs: readonly Pick<JobRecord, 'startedAt' | 'leaseMs' | 'leaseUntil'>[];
}

/**
 * Returns the workers of one process that died together; empty while that is not known. All jobs of a process are
 * judged at once, or one of them would look as if it had been alone. A worker is gone when it is dead (`deadAt`), or
 * when every lease that it holds has ended in silence. A claim is a sign of life. The death waits for workers whose
 * last sign is about as old and that hold jobs: they may have died with it. A worker that was heard well after that
 * sign is alive.
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

function isGone(worker: SilentWorker, now: Millis, since: Millis, deadAfterMs: number): boolean {
  const { signs, jobs } = worker;
  if (signs === null) {
    const isOver = ({ leaseUntil }: SilentWorker['jobs'][number]) => leaseUntil !== null && leaseUntil <= now;
    return jobs.every(isOver) || jobs.some(({ leaseUntil }) => leaseUntil !== null && leaseUntil + deadAfterMs <= now);
  }
  if (now >= deadAt(signOf(worker), since, deadAfterMs)) return true;
  return jobs.every(
    ({ leaseUntil, leaseMs }) =>
      leaseUntil !== null && leaseUntil <= now && isQuiet(signs, leaseMs, now, since, deadAfterMs),
  );
}

function signOf({ signs, jobs }: SilentWorker): Millis {
  return Math.max(signs?.seenAt ?? Number.NEGATIVE_INFINITY, ...jobs.map(({ startedAt }) => startedAt ?? 0));
}

/** A server takes the worker of an overdue job for one of these. */
export type Presumed = 'alive' | 'dead' | 'unknown';

/**
 * Says what the silence of a worker means for its overdue job. Only an expired lease can mean death, and it uses an
 * attempt if the worker lives. Jobs of an unknown worker wait until a heartbeat leaves them out, or the worker is dead.
 * - After a restart no worker has had time for a heartbeat, which may still extend the lease.
 * - A heartbeat may have come after the claim without the job, so the lease expires before the worker is dead. If the
 *   time between two heartbeats is longer than the lease, silence says nothing, and no lease waits.
 */
export function presumed(
  job: JobRecord,
  worker: Beats | undefined,
  now: Millis,
  since: Millis,
  deadAfterMs: number,
): Presumed {
  if (job.state !== State.active || job.worker === null) return 'alive';
  const isListening = now - since >= deadAfterMs || now >= (job.startedAt ?? now) + job.timeoutMs;
  if (worker !== undefined && worker.seenAt < since && !isListening) return 'unknown';
  const cause = overdueCause(job, now);
  if (cause !== 'lease' && cause !== 'stalled') return 'alive';
  // Who asks for leases sends heartbeats, so a worker without one died before its first.
  if (worker === undefined) return job.leaseRequired ? 'dead' : 'alive';
  if (isQuiet(worker, job.leaseMs, now, since, deadAfterMs)) return 'dead';
  const wasHeard = job.leaseUntil === null || worker.seenAt >= job.leaseUntil;
  return cause === 'stalled' || wasHeard || beatMs(worker) > (job.leaseMs ?? deadAfterMs) ? 'alive' : 'unknown';
}

/** A network may hold up a heartbeat by so much of the time between two. */
const lateness = 1.5;

/**
 * Reports whether nothing was heard for a lease: a worker beats more often than that. If one does not, its leases end
 * while it lives, so the time between its last two heartbeats counts in their place. Its jobs would otherwise die
 * beside each other without end, and no attempt would ever count.
 */
function isQuiet(signs: Beats, leaseMs: number | null, now: Millis, since: Millis, deadAfterMs: number): boolean {
  const everyMs = beatMs(signs);
  const ownMs = leaseMs === null ? deadAfterMs : everyMs > leaseMs ? lateness * everyMs : leaseMs;
  return now - Math.max(signs.seenAt, since) >= Math.min(deadAfterMs, ownMs);
}

function beatMs({ seenAt, seenBefore }: Beats): number {
  return seenAt - (seenBefore ?? seenAt);
}
