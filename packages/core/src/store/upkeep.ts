import type { JobId, JobRecord } from '../job/job.ts';
import type { Page } from '../job/selection.ts';
import type { Millis } from '../time/clock.ts';
import type { Pruned, PruneRules } from './prune.ts';

/**
 * Work on sets of jobs that any node may do at any time. `limit` bounds one call; the caller repeats the call while the
 * bound is reached.
 */
export interface Upkeep {
  /**
   * Moves due scheduled and retryable jobs to available, in the order of their due times; returns the number by queue.
   * Discards expired jobs among them, as core's `expired` decides, so that they never block others.
   */
  promote(now: Millis, limit: number): readonly QueueCount[];
  /**
   * Reads only: active jobs whose lease or execution timeout has ended, waiting jobs past `expiresAt`. The engine
   * decides, then calls `transition`. No decision reads long
   * envelopes and checkpoints: a storage may leave them out.
   */
  overdue(now: Millis, limit: number): readonly JobRecord[];
  /**
   * The earliest time at which `promote` or `overdue` may find something; null if no job waits for a time. A storage
   * may leave out times after `until`.
   */
  nextDue(until?: Millis): Millis | null;
  /** Active jobs that have a worker, in a stable order: the input of the liveness rules. */
  held(after: string | null, limit: number): Page<Held>;
  /** Removes up to `limit` of each kind that has a rule, so that no kind delays another. */
  prune(rules: PruneRules, limit: number): Pruned;
  /**
   * True while `holder` has the named lease. A lease spreads load between nodes; correctness never depends on it. A
   * lease that ends in more than twice `ttlMs` was taken by a wrong clock, and counts as ended.
   */
  lease(name: string, holder: string, ttlMs: number, now: Millis): boolean;
  release(name: string, holder: string): void;
}

export interface QueueCount {
  readonly queue: string;
  readonly count: number;
}

export interface Held {
  readonly id: JobId;
  readonly claim: number;
  readonly worker: string;
  readonly startedAt: Millis;
}
