import type { EventBatch, JobId, JobRecord, Json, Millis, NodeRecord, WorkflowRecord } from '@ojs-ts/core';
import type { CronRecord } from './crons.ts';
import type { Document } from './documents.ts';
import type { InboxEntry } from './inbox.ts';
import type { LimitRecord, MinuteRecord, QueueRecord, WorkerRecord } from './registry.ts';

/**
 * What a dump is made of: everything of a store but the leases of upkeep. What follows from other rows (counts, lanes,
 * who is ready) is not in it.
 */
export interface Dumped {
  /** The first one. `position` is the newest of the log; `lastStart` the last start that a rate counted. */
  readonly store: { readonly seed: number; readonly position: number; readonly lastStart: Millis };
  readonly queue: Omit<QueueRecord, 'counts' | 'deadLetter'>;
  readonly limit: Pick<LimitRecord, 'key' | 'own' | 'override'> & { readonly usedAt: Millis };
  /** All starts that are kept under a key, oldest first, in pieces; behind their limit. */
  readonly starts: { readonly key: string; readonly at: readonly Millis[] };
  readonly workflow: { readonly number: number; readonly workflow: WorkflowRecord };
  /** Directly behind their workflow, by index. */
  readonly node: NodeRecord;
  /**
   * `number` gives the order of creation, `place` that of available jobs; null in other states. Numbers and places may
   * have gaps.
   */
  readonly job: { readonly number: number; readonly place: number | null; readonly job: JobRecord };
  readonly cron: CronRecord;
  readonly document: Document;
  readonly minute: MinuteRecord;
  readonly worker: WorkerRecord;
  /**
   * A claim's id that was answered, under the name that `requestKey` of `apply.ts` gives it, with what it was given. In
   * the order of time.
   */
  readonly request: {
    readonly key: string;
    readonly at: Millis;
    readonly claims: readonly { readonly id: JobId; readonly claim: number }[];
  };
  readonly events: EventBatch;
  /**
   * What the inbox has: requests and completions of committed transactions. A storage without an inbox refuses them.
   */
  readonly inbox: InboxEntry;
  readonly completion: {
    readonly number: number;
    readonly id: JobId;
    readonly claim: number;
    readonly result: Json | null;
  };
}

/** Plain JSON values; JSON texts of users stay texts in it. */
export type DumpRecord = {
  readonly [Kind in keyof Dumped]: { readonly kind: Kind; readonly record: Dumped[Kind] };
}[keyof Dumped];

export interface Backup {
  /**
   * Everything, each thing once, in the order of {@link Dumped}, in pages of some hundred records. Reads only, holds
   * nobody up. Where the storage can it is one moment of the store, else each thing is as it is at its turn, and a
   * workflow with its jobs is one moment.
   */
  dump(): AsyncIterable<readonly DumpRecord[]>;
  /**
   * Fills an empty store with a dump of any storage. Nothing else may use the store meanwhile. Afterwards it answers
   * what the other did: ids, states, claims, order, counts, positions, seed. Where it fails, the store is empty again.
   * @throws Error where the store is not empty.
   */
  restore(pages: AsyncIterable<readonly DumpRecord[]>): Promise<void>;
}
