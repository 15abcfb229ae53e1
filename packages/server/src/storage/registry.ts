/** Queues, limits and workers. */
import type { JobId, Json, LimitNumbers, LimitSettings, Millis, State, Sums } from '@ojs-ts/core';
import type { Page } from './page.ts';

export interface Registry {
  /** Every queue that ever held a job or was named by an operator. Counts are maintained, never counted. */
  queues(): Promise<readonly QueueRecord[]>;
  /** Creates the queue where it is missing. Writes `queue.paused` or `queue.resumed` where the value changes. */
  pauseQueue(name: string, paused: boolean, now: Millis): Promise<QueueRecord>;
  /**
   * Creates the queue where it is missing; an absent field stays as it is. A changed limit holds for jobs that wait
   * already. With `expected` it writes only where that is the version on record, 0 for a queue that is missing, and
   * answers null where it is not.
   */
  configureQueue(name: string, patch: QueuePatch, now: Millis, expected?: number): Promise<QueueRecord | null>;
  /** Forgets a queue that holds no job; false where it holds one or is unknown. */
  removeQueue(name: string): Promise<boolean>;
  /** What happened, by queue and minute, from `since` on; oldest first. */
  statistics(since: Millis): Promise<readonly MinuteRecord[]>;
  /** Sorted by key; a cursor is the key that a page ended with, and wins over `offset`. */
  limits(query: {
    readonly after?: string;
    readonly offset?: number;
    readonly limit: number;
  }): Promise<Page<LimitRecord> & { readonly total: number }>;
  limit(key: string): Promise<LimitRecord | null>;
  /** An operator's numbers win over those that come with jobs, until they are taken back with null. Creates the key. */
  overrideLimit(key: string, override: LimitNumbers | null, now: Millis): Promise<LimitRecord>;
  /**
   * Notes who is alive, extends the leases of the listed jobs that the worker owns, and says what it no longer owns.
   */
  beat(beats: readonly WorkerBeat[], now: Millis): Promise<readonly Beaten[]>;
  workers(): Promise<readonly WorkerRecord[]>;
  /** What the worker is told on its next heartbeats; false where it is unknown. */
  direct(worker: string, directive: Directive | null): Promise<boolean>;
  forgetWorker(worker: string): Promise<boolean>;
}

export interface QueueRecord {
  readonly name: string;
  readonly paused: boolean;
  readonly createdAt: Millis;
  /** Jobs by state bit; a missing one is 0. */
  readonly counts: Readonly<Partial<Record<State, number>>>;
  readonly deadLetter: number;
  /**
   * Most jobs that may wait (available, scheduled, retryable) when another is pushed; null for no bound
   * (ojs-backpressure §5).
   */
  readonly capacity: number | null;
  /** JSON text of the operator's settings that only the engine reads. */
  readonly config: Json;
  /** +1 on every {@link Registry.configureQueue}. */
  readonly version: number;
}

/** JSON text of a queue's settings before an operator gave any. */
export const noConfig: Json = '{}';

export interface QueuePatch {
  readonly capacity?: number | null;
  readonly config?: Json;
  /** The operator's override of the queue's own limit (`queue:NAME`), in the same commit. */
  readonly limit?: LimitNumbers | null;
}

/** The sums of one minute, which begins at `minute`. */
export interface MinuteRecord extends Sums {
  readonly queue: string;
  readonly minute: Millis;
}

export interface LimitRecord extends LimitSettings {
  readonly key: string;
  readonly active: number;
  /** Available jobs under the key. */
  readonly waiting: number;
  /** Starts that still count against a rate, oldest first; at most the largest count of the rates. */
  readonly starts: readonly Millis[];
}

/** What an operator may order a worker to do (ojs-worker-protocol §2). */
export type Directive = 'running' | 'quiet' | 'terminate';

export interface WorkerBeat {
  readonly worker: string;
  /**
   * Null where the worker only counts its jobs: then nothing is extended and nothing can be missing. A known claim must
   * match.
   */
  readonly holds: readonly { readonly id: JobId; readonly claim: number | null }[] | null;
  /** The worker may hold more than it lists: what is not listed is not missing, so the record notes no list. */
  readonly partial?: true;
  /** How many jobs the worker says that it runs; only events tell it. */
  readonly active?: number;
  /** Extension from now on; the reservation's own length where that is larger, or where this is null. */
  readonly leaseMs: number | null;
  /** Its own state, as it reports it. */
  readonly state: Directive;
  /** JSON text: hostname, pid, queues, concurrency, labels, started_at. */
  readonly info: Json;
}

export interface Beaten {
  readonly directive: Directive | null;
  readonly extended: readonly JobId[];
  /** Listed, but cancelled, finished, or another claim's. */
  readonly lost: readonly JobId[];
}

export interface WorkerRecord {
  readonly worker: string;
  readonly seenAt: Millis;
  /** The heartbeat before the last. */
  readonly seenBefore: Millis | null;
  readonly state: Directive;
  readonly directive: Directive | null;
  readonly info: Json;
  /** Job ids of the last heartbeat and of the one before; null where it did not list them. */
  readonly holds: readonly JobId[] | null;
  readonly heldBefore: readonly JobId[] | null;
}
