/**
 * Storage: what must be atomic, or is cheap only near the data; nothing else. The engine decides (pure code in core), a
 * storage applies.
 *
 * Every operation on jobs takes arrays and answers an array of the same length and order. `now` is a parameter (the
 * store's clock, which the engine follows). Business outcomes are values; an exception means that the outcome is
 * unknown or the store unavailable, and the same call may be repeated: every operation is idempotent by identity. JSON
 * is opaque text. The contract in prose is `docs/internals/storage.md`.
 */
import type {
  EventBatch,
  Inserted,
  InsertOptions,
  JobId,
  JobRecord,
  Json,
  Millis,
  NewJob,
  NodeRef,
  State,
  StateMask,
  Transition,
} from '@ojs-ts/core';

import type { Backup } from './backup.ts';
import type { Crons } from './crons.ts';
import type { Documents } from './documents.ts';
import type { Inbox } from './inbox.ts';
import type { Page } from './page.ts';
import type { Registry } from './registry.ts';
import type { Workflows } from './workflows.ts';

export type { Inserted, InsertOptions } from '@ojs-ts/core';
export type * from './backup.ts';
export type * from './crons.ts';
export type * from './documents.ts';
export type * from './inbox.ts';
export type * from './page.ts';
export * from './registry.ts';
export type * from './workflows.ts';

export interface Claim {
  /** The fetch's own id: a repeat with the same one returns the jobs of the first that are still held by its claim. */
  readonly request: string | null;
  /** Tried in order; a paused one is skipped. */
  readonly queues: readonly string[];
  readonly limit: number;
  readonly worker: string | null;
  /** Reservation: `leaseMs` of the request over the job's `visibilityMs` over `defaultLeaseMs`. */
  readonly leaseMs: number | null;
  readonly defaultLeaseMs: number;
}

export interface Claimed {
  readonly jobs: readonly JobRecord[];
  /**
   * Where the claim got less than its limit: the earliest time at which a rate reopens under which available jobs of
   * its queues wait, be it that of such a queue or of a key of such a job; null where there is none. Slots that are
   * freed are told by a wake-up instead.
   */
  readonly again: Millis | null;
}

export type Moved =
  /** `ready`: workflow nodes whose last dependency this change closed. */
  | { readonly kind: 'moved'; readonly was: State; readonly ready: readonly NodeRef[] }
  /**
   * The job is in `to` already, by the same claim: a repeated call. Only answered where the transition names a claim.
   */
  | { readonly kind: 'already'; readonly job: JobRecord }
  | { readonly kind: 'refused'; readonly job: JobRecord }
  | { readonly kind: 'missing' };

export interface Jobs {
  /**
   * Each inner array is atomic by itself; groups do not affect each other. Its jobs see each other: a unique key counts
   * within the group too. Writes `job.enqueued` and `job.scheduled`, and `job.cancelled` of jobs that were replaced, as
   * core's `cancelled` decides. Numbers of limits that come with a job hold from then on for everything under their
   * key.
   */
  insert(
    groups: readonly (readonly NewJob[])[],
    now: Millis,
    options?: InsertOptions,
  ): Promise<readonly (readonly Inserted[])[]>;
  /**
   * Promotes what is due, then hands out available jobs: per claim its queues from left to right, in a queue by
   * priority and then first in, first out. Skips paused queues; never hands out an expired job, nor one beyond a limit
   * of its queue or of its keys, but the next one that has room. Cost grows with the batch, never with what waits, is
   * saturated, scheduled or expired in front.
   */
  claim(claims: readonly Claim[], now: Millis): Promise<readonly Claimed[]>;
  transition(transitions: readonly Transition[], now: Millis): Promise<readonly Moved[]>;
  get(ids: readonly JobId[]): Promise<readonly (JobRecord | null)[]>;
  list(query: JobQuery): Promise<Page<JobRecord>>;
  /**
   * Deletes jobs that are in one of the states of `from` (and in the dead letter, where asked); answers whether each
   * was there. The node of an unfinished one is closed as failed.
   */
  remove(
    ids: readonly JobId[],
    guard: { readonly from: StateMask; readonly deadLetter?: true },
    now: Millis,
  ): Promise<readonly boolean[]>;
}

/** Terminal states are ordered by when they were entered, the others by creation; newest first. */
export interface JobQuery {
  readonly states: StateMask;
  readonly deadLetter?: true;
  readonly queue?: string;
  readonly type?: string;
  /** Opaque cursor of a previous page; wins over `offset`. */
  readonly after?: string;
  readonly offset?: number;
  readonly limit: number;
}

/** Set-based work that any node may do at any time. `limit` bounds one call; the caller loops while it is reached. */
export interface Upkeep {
  /**
   * Moves due scheduled and retryable jobs to available in the order they were due; answers how many by queue. Expired
   * ones that it meets are discarded, as core's `expired` decides, so that they never stand in front.
   */
  promote(now: Millis, limit: number): Promise<readonly QueueCount[]>;
  /**
   * Read only: active jobs whose lease or execution timeout has ended, waiting jobs past `expiresAt`. The engine
   * decides, then calls `transition`.
   */
  overdue(now: Millis, limit: number): Promise<readonly JobRecord[]>;
  /** Active jobs that have a worker, by a stable order: what the liveness rules look at. */
  held(after: string | null, limit: number): Promise<Page<Held>>;
  /** Removes up to `limit` of each kind, so that none starves another; answers how many in all. */
  prune(rules: PruneRules, limit: number): Promise<Pruned>;
  /** True while `holder` has the named lease. It spreads load between nodes; correctness never rests on it. */
  lease(name: string, holder: string, ttlMs: number, now: Millis): Promise<boolean>;
  release(name: string, holder: string): Promise<void>;
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

export interface Pruned {
  /** Everything that is gone: jobs, events, requests, workers, limits, workflows, minutes. */
  readonly removed: number;
  /**
   * Of each rule of `PruneRules.jobs` the jobs that are gone because there were more than `keep`, though not older than
   * `before`.
   */
  readonly overCap: readonly number[];
}

export interface PruneRules {
  /**
   * Finished jobs of a state that are older than `before`, or beyond the newest `keep` of that state; those in the dead
   * letter are a state of their own.
   */
  readonly jobs: readonly {
    readonly state: State;
    readonly deadLetter: boolean;
    readonly before: Millis;
    readonly keep: number;
  }[];
  readonly events: { readonly before: Millis; readonly keep: number };
  /** Ended workflows, with their nodes. */
  readonly workflows: { readonly before: Millis; readonly keep: number };
  readonly statisticsBefore: Millis;
  readonly requestsBefore: Millis;
  readonly workersBefore: Millis;
  /**
   * Keys of limits that no job names, no operator overrides, and under which no job came or started since. Those of
   * whole queues go with their queue.
   */
  readonly limitsBefore: Millis;
}

export interface Layout {
  /** What the store has; 0 where it has none yet. May be newer than `to`. */
  readonly from: number;
  /** What this code makes of it. */
  readonly to: number;
  /** The names of what `migrate` would run. */
  readonly steps: readonly string[];
}

export interface Storage extends AsyncDisposable {
  readonly traits: Traits;
  readonly jobs: Jobs;
  readonly upkeep: Upkeep;
  readonly registry: Registry;
  readonly workflows: Workflows;
  readonly crons: Crons;
  readonly documents: Documents;
  /** Null where users cannot have a transaction with the store. */
  readonly inbox: Inbox | null;
  readonly backup: Backup;
  /** Reads which layout the store has and which one this code brings; changes nothing. */
  layout(): Promise<Layout>;
  /** Brings the layout up to date; refuses one that is newer than this code. */
  migrate(): Promise<{ readonly from: number; readonly to: number }>;
  /** The store's clock. */
  clock(): Promise<Millis>;
  ping(): Promise<void>;
  /** A number below 2^16 that is this store's own for ever. */
  seed(): Promise<number>;
  /**
   * Wake-ups of this and of other processes: a hint, never the truth. Positions of the event log follow visibility:
   * a reader that has seen p never meets a smaller one later.
   */
  subscribe(onWake: (wakes: readonly Wake[]) => void): Promise<AsyncDisposable>;
  /**
   * Batches that hold an event after position `after`, oldest first, up to about `limit` events. `oldest` is the first
   * position still kept: a cursor before it has missed something.
   */
  events(
    after: number,
    limit: number,
  ): Promise<{ readonly batches: readonly EventBatch[]; readonly oldest: number; readonly newest: number }>;
  /** Writes a batch of events that belong to no other change. */
  record(events: readonly Json[], now: Millis): Promise<void>;
  /** Empties the store; for tests. */
  clear(): Promise<void>;
}

/** Facts that the engine may branch on. It never asks for a storage's name. */
export interface Traits {
  /** For logs, health and the manifest only. */
  readonly name: string;
  /** Batches of one kind that may be under way at once. */
  readonly parallel: number;
  /** Whether its work keeps this process's event loop busy. */
  readonly inProcess: boolean;
  /** The most items an operation should be given. */
  readonly maxBatch: number;
  /** In words, for the manifest and the docs. */
  readonly durability: string;
}

/**
 * Jobs became available in this queue, or slots of a limit were freed that jobs of it wait for; `queue: null` where the
 * storage knows only that something changed. `events`: the log has grown. `inbox`: a user's transaction left something
 * there.
 */
export type Wake =
  | { readonly kind: 'queue'; readonly queue: string | null }
  | { readonly kind: 'events' }
  | { readonly kind: 'inbox' };
