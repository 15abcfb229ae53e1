/**
 * A storage does what must be atomic or is cheap only near the data, nothing else. The engine decides (pure code in
 * core), a storage applies.
 *
 * Every operation on jobs takes arrays and returns an array of the same length and order. `now` is a parameter (the
 * store's clock, which the engine follows). Business outcomes are values. An exception means that the outcome is
 * unknown or the store is unreachable. The caller may repeat the same call: every operation is idempotent by identity.
 * JSON is opaque text. `docs/internals/storage.md` is the contract in prose.
 */
import type {
  ErrorGroups,
  ErrorQuery,
  EventBatch,
  EventKind,
  Inserted,
  InsertOptions,
  JobId,
  JobQuery,
  JobRecord,
  Json,
  Millis,
  NewJob,
  NodeRef,
  Page,
  RemovalGuard,
  State,
  Transition,
} from '@ojs-ts/core';
import type { Backup } from './backup.ts';
import type { Crons } from './crons.ts';
import type { StoreFinding } from './diagnosis.ts';
import type { AuditLog, Documents } from './documents.ts';
import type { Inbox } from './inbox.ts';
import type { Pruned, PruneRules } from './prune.ts';
import type { Registry } from './registry.ts';
import type { Workflows } from './workflows.ts';

export type { ErrorGroups, ErrorQuery, Inserted, InsertOptions, JobQuery, Page } from '@ojs-ts/core';
export type * from './backup.ts';
export type * from './crons.ts';
export type * from './diagnosis.ts';
export type * from './documents.ts';
export type * from './inbox.ts';
export * from './registry.ts';
export type * from './workflows.ts';

export interface Claim {
  /** The fetch's own id: a repeat with the same one returns the jobs of the first answer that its claim still holds. */
  readonly request: string | null;
  /** Tried in order; paused queues are skipped. */
  readonly queues: readonly string[];
  readonly limit: number;
  readonly worker: string | null;
  /** Milliseconds. The lease lasts `leaseMs` of the request, else `visibilityMs` of the job, else `defaultLeaseMs`. */
  readonly leaseMs: number | null;
  readonly defaultLeaseMs: number;
  /** A fact of the claim, kept with the job: whether only calls with its lease count. */
  readonly leaseRequired: boolean;
}

export interface RepeatableFetch {
  readonly worker: string | null;
  readonly request: string;
}

export interface JobClaim {
  readonly id: JobId;
  readonly claim: number;
}

export interface Claimed {
  readonly jobs: readonly JobRecord[];
  /**
   * If the claim got less than its limit: the earliest time at which a rate allows a start that available jobs of its
   * queues wait for, under the queue's own limit or a key of the jobs. Null if there is none. For freed slots there is
   * a wake-up instead.
   */
  readonly again: Millis | null;
  /** The call's budget was used up before this claim got a job (see `Jobs.claim`): the same claim again continues. */
  readonly deferred?: true;
}

export type Moved =
  /** `ready`: workflow nodes whose last dependency this change has closed. */
  | { readonly kind: 'moved'; readonly was: State; readonly ready: readonly NodeRef[] }
  /** The job is in `to` already, by the same claim: a repeated call. Only if the transition names a claim. */
  | { readonly kind: 'already'; readonly job: JobRecord }
  | { readonly kind: 'refused'; readonly job: JobRecord }
  | { readonly kind: 'missing' };

export interface Jobs {
  /**
   * Each inner array is atomic; groups do not affect each other. The jobs of a group see each other: a unique key
   * counts within the group too. Writes `job.enqueued` and `job.scheduled`, and `job.cancelled` of replaced jobs, as
   * core's `cancelled` decides. Numbers of limits that come with a job hold from then on for all jobs under the key.
   */
  insert(
    groups: readonly (readonly NewJob[])[],
    now: Millis,
    options?: InsertOptions,
  ): Promise<readonly (readonly Inserted[])[]>;
  /**
   * Promotes due jobs, then returns available jobs: per claim its queues from left to right, in a queue by priority and
   * then first in, first out. Skips paused queues. Never returns an expired job, nor a job beyond a limit of its queue
   * or keys, but the next one that the limits allow. The cost grows with the batch, never with the number of waiting,
   * scheduled, expired or limited jobs.
   *
   * `maxBytes` (default: no bound) limits the jobs of all claims together, by core's `sizeOf`. The first job that does
   * not fit ends the call, but every call returns one job. A claim that got none for this reason is `deferred`.
   */
  claim(claims: readonly Claim[], now: Millis, maxBytes?: number): Promise<readonly Claimed[]>;
  transition(transitions: readonly Transition[], now: Millis): Promise<readonly Moved[]>;
  get(ids: readonly JobId[]): Promise<readonly (JobRecord | null)[]>;
  /**
   * Reads only: the claims that each fetch with a request id got, whether or not they still hold; none for a fetch that
   * got nothing, is unknown or was pruned.
   */
  claimsOf(fetches: readonly RepeatableFetch[]): Promise<readonly (readonly JobClaim[])[]>;
  list(query: JobQuery): Promise<Page<JobRecord>>;
  /**
   * Counts the jobs that failed by the fingerprints of their last errors, exactly. The cost grows with the index: with
   * the groups, or with its entries, but never with the jobs that did not fail.
   */
  errors(query: ErrorQuery): Promise<ErrorGroups>;
  /**
   * Deletes jobs that are in one of the states of `from` (and in the dead letter, if asked). The answer says of each
   * job whether it was deleted. Closes the node of an unfinished job as failed.
   */
  remove(ids: readonly JobId[], guard: RemovalGuard, now: Millis): Promise<readonly boolean[]>;
}

/**
 * Work on sets of jobs that any node may do at any time. `limit` bounds one call; the caller repeats the call while the
 * bound is reached.
 */
export interface Upkeep {
  /**
   * Moves due scheduled and retryable jobs to available, in the order of their due times; returns the number by queue.
   * Discards expired jobs among them, as core's `expired` decides, so that they never block others.
   */
  promote(now: Millis, limit: number): Promise<readonly QueueCount[]>;
  /**
   * Reads only: active jobs whose lease or execution timeout has ended, waiting jobs past `expiresAt`. The engine
   * decides, then calls `transition`. No decision reads long
   * envelopes and checkpoints: a storage may leave them out.
   */
  overdue(now: Millis, limit: number): Promise<readonly JobRecord[]>;
  /** The earliest time at which `promote` or `overdue` may find something; null if no job waits for a time. */
  nextDue(): Promise<Millis | null>;
  /** Active jobs that have a worker, in a stable order: the input of the liveness rules. */
  held(after: string | null, limit: number): Promise<Page<Held>>;
  /** Removes up to `limit` of each kind that has a rule, so that no kind delays another. */
  prune(rules: PruneRules, limit: number): Promise<Pruned>;
  /**
   * True while `holder` has the named lease. A lease spreads load between nodes; correctness never depends on it. A
   * lease that ends in more than twice `ttlMs` was taken by a wrong clock, and counts as ended.
   */
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

export interface Layout {
  /** The version of the store; 0 if it has none yet. May be newer than `to`. */
  readonly from: number;
  /** The version that `migrate` of this code brings. */
  readonly to: number;
  /** The names of the files that `migrate` would run. */
  readonly steps: readonly string[];
}

/** The result of a check for damage. */
export interface StoreVerdict {
  /** Empty where nothing was found. Each names the file. */
  readonly problems: readonly string[];
  /** False where the look ended early. */
  readonly whole: boolean;
}

/** New connections have reached another server than before. */
export interface StoreMove {
  /** Host and port. */
  readonly from: string;
  readonly to: string;
  /** By the wall clock of this machine. */
  readonly at: Millis;
}

export interface Storage extends AsyncDisposable {
  readonly traits: Traits;
  readonly jobs: Jobs;
  readonly upkeep: Upkeep;
  readonly registry: Registry;
  readonly workflows: Workflows;
  readonly crons: Crons;
  readonly documents: Documents;
  readonly audit: AuditLog;
  /** Null if users cannot have a transaction with the store. */
  readonly inbox: Inbox | null;
  readonly backup: Backup;
  /** Reads the version of the store and the one that this code brings; changes nothing. */
  layout(): Promise<Layout>;
  /** Brings the layout up to date. @throws Error if the store is newer than this code. */
  migrate(): Promise<{ readonly from: number; readonly to: number }>;
  /** The store's clock as it reads, which may step. In a store of this process it is the machine's. */
  clock(): Promise<Millis>;
  ping(): Promise<void>;
  /** Parts of the store that do not answer, while others do, by name. A storage of one part has no such method. */
  away?(): readonly string[];
  /** Commits a small change that needs room. Rejects as any write does, with StoreUnwritable where none is taken. */
  probe(): Promise<void>;
  /**
   * Looks for damage in the store's file, beside its work; the signal ends that. Absent where the store has no file of
   * its own.
   */
  verify?(signal: AbortSignal): Promise<StoreVerdict>;
  /** When another server took over last, as this process has seen it; null if none has. Absent where nothing can. */
  lastMove?(): StoreMove | null;
  /**
   * Lists problems of the store that an operator should fix: its settings, its room, causes of slowness. Reads only.
   */
  diagnose(): Promise<readonly StoreFinding[]>;
  /** A number below 2^16 that never changes for this store. */
  seed(): Promise<number>;
  /** The secret of this store that its leases are made with: 32 hexadecimal digits, its own for ever. */
  leaseKey(): Promise<string>;
  /**
   * Reports wake-ups of this and of other processes, as hints: a listener must poll too. Positions of the event log
   * follow visibility: a reader that has seen p never meets a smaller one later.
   */
  subscribe(onWake: (wakes: readonly Wake[]) => void): Promise<AsyncDisposable>;
  /**
   * Batches that have an event after position `after`, oldest first, up to about `limit` events. If an index has all of
   * `kinds`, only batches with an event of one of them; else all.
   */
  events(after: number, limit: number, kinds?: readonly EventKind[]): Promise<EventsRead>;
  /** The same backwards: batches that begin before position `before`, newest first. */
  eventsBefore(before: number, limit: number, kinds?: readonly EventKind[]): Promise<EventsRead>;
  /** Writes a batch of events without another change. */
  record(events: readonly Json[], now: Millis): Promise<void>;
  /** Empties the store; for tests. */
  clear(): Promise<void>;
}

export interface EventsRead {
  readonly batches: readonly EventBatch[];
  /** The first position still kept: a cursor before it has missed events. */
  readonly oldest: number;
  readonly newest: number;
  /**
   * The position that the read reached, since one call looks at a bounded part of the log: the caller has every batch
   * between its position and this one, and continues from here. At the end of the log `newest`, and backwards `oldest`.
   */
  readonly reached: number;
}

/** Properties on which the engine may branch. The engine never asks for a storage's name. */
export interface Traits {
  /** For logs, health and the manifest only. */
  readonly name: string;
  /** Batches of one kind that may run at the same time. */
  readonly parallel: number;
  /**
   * The number of requests of one client with merged calls that are worth being in flight at once: 2 if the store works
   * while the client prepares the next one, and a smaller commit costs no more a job.
   */
  readonly mergedAtOnce: 1 | 2;
  /** True if it works in this process: then it keeps the event loop busy, and its clock is the machine's. */
  readonly inProcess: boolean;
  /** The most items for one operation. */
  readonly maxBatch: number;
  /**
   * The part of the time of one connection that retention may take while it is behind. One server does it for all, so
   * that more servers take no more.
   */
  readonly retentionShare: number;
  /** A sentence for the manifest and the docs. */
  readonly durability: string;
}

/**
 * `queue`: jobs became available in this queue, or slots of a limit that its jobs wait for were freed; null if the
 * storage knows only that something changed. `events`: the log has grown. `inbox`: a user's transaction has committed a
 * row.
 */
export type Wake =
  | { readonly kind: 'queue'; readonly queue: string | null }
  | { readonly kind: 'events' }
  | { readonly kind: 'inbox' };
