import type { Millis } from '@ojs-ts/core';
import type { EventBatch } from '@ojs-ts/core/events';
import type { JobId, JobRecord, Json } from '@ojs-ts/core/job';
import type { LimitRecord, QueueRecord, StoredRecord, WorkerRecord } from '@ojs-ts/core/memory';
import type { MinuteRecord } from '@ojs-ts/core/statistics';
import type { NodeRecord, WorkflowRecord } from '@ojs-ts/core/workflow';
import type { InboxEntry } from './inbox.ts';

/**
 * The records of a dump: everything of a store but the leases of upkeep. A dump has nothing that follows from other
 * rows: counts, limit groups, ready nodes.
 */
export interface Dumped {
  /**
   * The first record. `position` is the newest of the log; `lastStart` is the last start that a rate counted. With
   * `leaseKey` leases stay valid, so running jobs can end in the restored store.
   */
  readonly store: {
    readonly seed: number;
    readonly leaseKey: string;
    readonly position: number;
    readonly lastStart: Millis;
  };
  readonly queue: Omit<QueueRecord, 'counts' | 'deadLetter'>;
  readonly limit: Pick<LimitRecord, 'key' | 'own' | 'override'> & { readonly usedAt: Millis };
  /** All starts that are kept under a key, oldest first, in pieces; follows its limit. */
  readonly starts: { readonly key: string; readonly at: readonly Millis[] };
  readonly workflow: { readonly number: number; readonly workflow: WorkflowRecord };
  /** Follows its workflow directly, by index. */
  readonly node: NodeRecord;
  /**
   * `number` is the order of creation, `place` the order of available jobs; null in other states. Numbers and places
   * may have gaps.
   */
  readonly job: { readonly number: number; readonly place: number | null; readonly job: JobRecord };
  readonly record: StoredRecord;
  readonly minute: MinuteRecord;
  readonly worker: WorkerRecord;
  /**
   * An answered claim: its key, as core's `requestKey` makes it, and the claims of the answer. In the order of time.
   */
  readonly request: {
    readonly key: string;
    readonly at: Millis;
    readonly claims: readonly { readonly id: JobId; readonly claim: number }[];
  };
  readonly events: EventBatch;
  /**
   * The rows of the inbox: requests and completions of committed transactions. A storage without an inbox refuses them.
   */
  readonly inbox: InboxEntry;
  readonly completion: {
    readonly number: number;
    readonly id: JobId;
    readonly claim: number;
    readonly result: Json | null;
  };
}

/** The facts of a store that never change. */
export type StoreOwn = Pick<Dumped['store'], 'seed' | 'leaseKey'>;

/** Plain JSON values; JSON texts of users stay texts. */
export type DumpRecord<Kind extends keyof Dumped = keyof Dumped> = {
  readonly [One in Kind]: { readonly kind: One; readonly record: Dumped[One] };
}[Kind];

export interface Backup {
  /**
   * Everything once, in the order of {@link Dumped}, in pages of some hundred records. Reads only and blocks no caller.
   * If the storage can, the dump is one moment of the store. If not, each thing is as it is when it is read, and a
   * workflow with its jobs is one moment.
   */
  dump(): AsyncIterable<readonly DumpRecord[]>;
  /**
   * Fills an empty store with a dump of any storage. The store must have no other user until the end. Ids, states,
   * claims, leases, order, counts, positions and seed are then those of the dump. After a failure the store is empty
   * again.
   * @throws Error if the store is not empty.
   */
  restore(pages: AsyncIterable<readonly DumpRecord[]>): Promise<void>;
}
