/**
 * The part of the storage interface that is in question: insert, claim and transition, with uniqueness, limits and workflow nodes.
 * Groups have one job each; names and meanings are those of packages/server/src/storage/storage.ts.
 */
import type { State, StateMask } from '../../packages/core/src/states.ts';

export type Millis = number;

/** Slots are held by (job, claim). `rate` allows at most `count` starts in any `perMs`. */
export interface Limit {
  readonly key: string;
  readonly concurrency: number | null;
  readonly rate: { readonly count: number; readonly perMs: number } | null;
}

export interface Unique {
  /** SHA-256 in lower-case hex. */
  readonly key: string;
  /** States and period of the new request. */
  readonly states: StateMask;
  readonly createdAfter: Millis | null;
  readonly onConflict: 'keep' | 'replace';
}

export interface NodeRef {
  readonly workflow: string;
  readonly index: number;
}

export interface NewJob {
  readonly id: string;
  readonly queue: string;
  readonly priority: number;
  readonly createdAt: Millis;
  readonly envelope: string;
  readonly unique: Unique | null;
  /** Sorted by key, each key once. */
  readonly limits: readonly Limit[];
  readonly node: NodeRef | null;
}

export interface Ready extends NodeRef {
  /** How many of its dependencies ended in another state than `completed`: core decides what that means. */
  readonly failed: number;
}

export type Inserted =
  | { readonly kind: 'inserted'; readonly replaced: readonly string[]; readonly ready: readonly Ready[] }
  | { readonly kind: 'already' }
  | { readonly kind: 'duplicate'; readonly existing: string };

export interface Claim {
  readonly queues: readonly string[];
  readonly limit: number;
  readonly worker: string;
  readonly leaseMs: number;
}

export interface Claimed {
  readonly id: string;
  readonly claim: number;
  readonly startedAt: Millis;
  readonly limits: readonly string[];
  readonly node: NodeRef | null;
  readonly envelope: string;
}

export interface Transition {
  readonly id: string;
  readonly from: StateMask;
  readonly claim: number | null;
  readonly to: State;
}

export type Moved =
  | { readonly kind: 'moved'; readonly was: State; readonly ready: readonly Ready[] }
  | { readonly kind: 'already' | 'refused' | 'missing' };

/** One committed batch of the event log. `entries`: kind and job id of each event. */
export interface EventBatch {
  readonly position: number;
  readonly kind: 'enqueued' | 'started' | 'moved';
  readonly ids: readonly string[];
}

export interface Store {
  readonly name: string;
  insert(jobs: readonly NewJob[], now: Millis): Promise<readonly Inserted[]>;
  claim(claims: readonly Claim[], now: Millis): Promise<readonly (readonly Claimed[])[]>;
  transition(transitions: readonly Transition[], now: Millis): Promise<readonly Moved[]>;
  /** A workflow is nodes and, for each, the nodes it waits for. */
  createWorkflow(id: string, after: readonly (readonly number[])[]): Promise<void>;
  events(after: number, limit: number): Promise<readonly EventBatch[]>;
  /** Jobs by state. */
  counts(): Promise<ReadonlyMap<number, number>>;
  /** Rows in the slot table: 0 when nothing is active. */
  slots(): Promise<number>;
  clear(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Items that name the same thing (an id, a unique key) cannot meet in one set-based statement: the n-th item of a name goes to wave n,
 * and waves run one after the other inside the same transaction. So a batch behaves as if its items came one by one.
 */
export function waves(names: readonly (readonly string[])[]): readonly number[] {
  const next = new Map<string, number>();
  return names.map((own) => {
    const wave = Math.max(0, ...own.map((name) => next.get(name) ?? 0));
    for (const name of own) next.set(name, wave + 1);
    return wave;
  });
}
