/** Queues, limits and workers. */
import type { JobId, Json, LimitNumbers } from '../job/job.ts';
import type { Page } from '../job/selection.ts';
import type { State } from '../job/states.ts';
import type { LimitSettings } from '../lifecycle/limits/limits.ts';
import type { MinuteRecord } from '../statistics/statistics.ts';
import type { Millis } from '../time/clock.ts';

export interface Registry {
  /**
   * By name: every queue that ever held a job or that an operator named, or those of the given names that exist, or
   * those with settings. Counts are stored, not computed. Only a call without `which` reads the other queues.
   */
  queues(which?: readonly string[] | 'configured'): readonly QueueRecord[];
  /**
   * Returns for each of the queues the job that has been available longest; none for a queue without one. The cost
   * grows with the limit groups and the priorities in use, never with the number of jobs.
   */
  oldest(queues: readonly string[]): readonly OldestJob[];
  /** Creates a missing queue. Writes `queue.paused` or `queue.resumed` if the value changes. */
  pauseQueue(name: string, paused: boolean, now: Millis): QueueRecord;
  /**
   * Creates a missing queue; an absent field keeps its value. A changed limit also holds for jobs that wait already.
   * With `expected`, writes only if that is the current version, 0 for a missing queue, and returns null if not.
   */
  configureQueue(name: string, patch: QueuePatch, now: Millis, expected?: number): QueueRecord | null;
  /** Deletes a queue without jobs; false if the queue has jobs or is unknown. */
  removeQueue(name: string): boolean;
  /**
   * Figures by minute, queue and type, in this order, from `since` on and before `until` if it is given. Figures of
   * named queues cost the same however many others there are. The number of types is not bounded: a caller that adds
   * them up over time bounds it.
   */
  statistics(since: Millis, until?: Millis, queues?: readonly string[]): readonly MinuteRecord[];
  /**
   * The minute of the record from `since` on and before `until` that about `count` others come before; null where there
   * are not so many. Bounds what one call of `statistics` reads.
   */
  minuteBehind(count: number, since: Millis, until: Millis): Millis | null;
  /** Sorted by key. A cursor is the last key of a page, and goes before `offset`. */
  limits(query: {
    readonly after?: string;
    readonly offset?: number;
    readonly limit: number;
  }): Page<LimitRecord> & { readonly total: number };
  limit(key: string): LimitRecord | null;
  /** An operator's numbers override those that come with jobs, until null removes them. Creates a missing key. */
  overrideLimit(key: string, override: LimitNumbers | null, now: Millis): LimitRecord;
  /**
   * Records the heartbeats, extends the leases of the listed jobs that each worker owns, and returns those that it no
   * longer owns.
   */
  beat(beats: readonly WorkerBeat[], now: Millis): readonly Beaten[];
  workers(): readonly WorkerRecord[];
  /** Sets the directive of the worker's next heartbeats; false if the worker is unknown. */
  direct(worker: string, directive: Directive | null): boolean;
  forgetWorker(worker: string): boolean;
}

export interface QueueRecord {
  readonly name: string;
  readonly paused: boolean;
  readonly createdAt: Millis;
  /** Jobs by state bit; a missing one is 0. */
  readonly counts: Readonly<Partial<Record<State, number>>>;
  readonly deadLetter: number;
  /**
   * The most jobs that may wait (available, scheduled, retryable) before an enqueue is refused; null for no bound
   * (ojs-backpressure §5).
   */
  readonly capacity: number | null;
  /** JSON text of the operator's settings that only the engine reads. */
  readonly config: Json;
  /** +1 on every {@link Registry.configureQueue}. */
  readonly version: number;
}

export interface OldestJob {
  readonly queue: string;
  readonly enqueuedAt: Millis;
}

export interface QueuePatch {
  readonly capacity?: number | null;
  readonly config?: Json;
  /** The operator's override of the queue's own limit (`queue:NAME`), in the same commit. */
  readonly limit?: LimitNumbers | null;
}

export interface LimitRecord extends LimitSettings {
  readonly key: string;
  readonly active: number;
  /** Available jobs under the key. */
  readonly waiting: number;
  /** Starts that still count against a rate, oldest first; at most as many as the largest count of the rates. */
  readonly starts: readonly Millis[];
}

/** An operator's order to a worker (ojs-worker-protocol §2). */
export type Directive = 'running' | 'quiet' | 'terminate';

export interface WorkerBeat {
  readonly worker: string;
  /**
   * Null if the worker only counts its jobs: then nothing is extended and nothing is missing. A claim that is not null
   * must match; a job that requires its lease is extended only with its claim.
   */
  readonly holds: readonly { readonly id: JobId; readonly claim: number | null }[] | null;
  /** The worker may hold more jobs than it lists: unlisted jobs are not missing, so the record stores no list. */
  readonly partial?: true;
  /** The worker may not know of claims from this time on: they are not missing. Absent: it knows of all. */
  readonly knownUntil?: Millis;
  /** How many jobs the worker runs, as it reports; for events only. */
  readonly active?: number;
  /** Milliseconds from now on; the lease's own length if that is larger, or if this is null. */
  readonly leaseMs: number | null;
  /** The worker's own state, as it reports it. */
  readonly state: Directive;
  /** JSON text: hostname, pid, queues, concurrency, labels, started_at, load. */
  readonly info: Json;
}

export interface Beaten {
  readonly directive: Directive | null;
  readonly extended: readonly JobId[];
  /** Listed, but cancelled, finished, or held by another claim. */
  readonly lost: readonly JobId[];
}

export interface WorkerRecord {
  readonly worker: string;
  readonly seenAt: Millis;
  /**
   * Claims before this time are missing where neither list has them: the time of the heartbeat before the last, or
   * `knownUntil` of the last if that is earlier.
   */
  readonly seenBefore: Millis | null;
  readonly state: Directive;
  readonly directive: Directive | null;
  readonly info: Json;
  /** Job ids of the last heartbeat and of the one before; null if it did not list them. */
  readonly holds: readonly JobId[] | null;
  readonly heldBefore: readonly JobId[] | null;
}
