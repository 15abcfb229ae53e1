import type { JobRecord } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';

/** A step of the clock, once it is followed: the new time, and by how much the time has moved. */
export interface ClockStep {
  readonly at: Millis;
  readonly by: Millis;
}

/**
 * An active job with the times that it would have had without steps forward: its lease, its timeout and its heartbeats
 * count what has passed, and not what the clock has skipped. Every time from before a step lies before `at`; a lease
 * that was set after it ends by its whole length later. Steps back need nothing: they only make an execution longer.
 */
export function withoutSteps(job: JobRecord, steps: readonly ClockStep[]): JobRecord {
  let moved = job;
  for (const step of steps) moved = withoutStep(moved, step);
  return moved;
}

function withoutStep(job: JobRecord, { at, by }: ClockStep): JobRecord {
  const { startedAt, beatAt, leaseUntil, leaseMs } = job;
  if (by <= 0 || startedAt === null || startedAt >= at) return job;
  return {
    ...job,
    startedAt: startedAt + by,
    ...(beatAt !== null && beatAt < at && { beatAt: beatAt + by }),
    ...(leaseUntil !== null && leaseUntil < at + (leaseMs ?? 0) && { leaseUntil: leaseUntil + by }),
  };
}
