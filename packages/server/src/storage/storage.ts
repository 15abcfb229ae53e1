/**
 * A storage does what must be atomic or is cheap only near the data, nothing else. The engine decides (pure code in
 * core), a storage applies. `packages/core/src/store` describes each operation.
 *
 * Every operation on jobs takes arrays and returns an array of the same length and order. `now` is a parameter (the
 * store's clock, which the engine follows). Business outcomes are values. An exception means that the outcome is
 * unknown or the store is unreachable. The caller may repeat the same call: every operation is idempotent by identity.
 * JSON is opaque text. `docs/internals/storage.md` is the contract in prose.
 */

import type { Millis } from '@ojs-ts/core';
import type { EventKind } from '@ojs-ts/core/events';
import type { Json } from '@ojs-ts/core/job';
import type * as store from '@ojs-ts/core/memory';
import type { Backup } from './backup.ts';
import type { StoreFinding } from './diagnosis.ts';
import type { Inbox } from './inbox.ts';

export {
  type ErrorGroups,
  type ErrorQuery,
  type JobQuery,
  type NodeState,
  noConfig,
  type Page,
  type WorkflowState,
} from '@ojs-ts/core/job';
export type { Inserted, InsertOptions } from '@ojs-ts/core/lifecycle';
// The operations below take the place of those of the same name, which answer at once.
export type * from '@ojs-ts/core/memory';
export type { CommitAnswer, RecordChange, RecordKey, StoredRecord } from '@ojs-ts/core/memory';
export { compareMinutes, type MinuteRecord } from '@ojs-ts/core/statistics';
export type { NewNode, NewWorkflow, NodeRecord, WorkflowRecord, WorkflowStep } from '@ojs-ts/core/workflow';
export type * from './backup.ts';
export type * from './diagnosis.ts';
export type * from './inbox.ts';

/** The same methods, answering with promises. */
export type Promised<T> = {
  [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Answer>
    : T[Name];
};

export type Jobs = Promised<store.Jobs>;
export type Upkeep = Promised<store.Upkeep>;
export type Registry = Promised<store.Registry>;
export type Workflows = Promised<store.Workflows>;
export type Records = Promised<store.Records>;

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
  readonly records: Records;
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
  events(after: number, limit: number, kinds?: readonly EventKind[]): Promise<store.EventsRead>;
  /** The same backwards: batches that begin before position `before`, newest first. */
  eventsBefore(before: number, limit: number, kinds?: readonly EventKind[]): Promise<store.EventsRead>;
  /** Writes a batch of events without another change. */
  record(events: readonly Json[], now: Millis): Promise<void>;
  /** Empties the store; for tests. */
  clear(): Promise<void>;
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
  /** The most bytes of the values of a job's durable steps; 64 MiB where it is absent. */
  readonly maxStepBytes?: number;
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
