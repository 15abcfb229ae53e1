/** The records of a history, as `README.md` describes them. Times and durations are milliseconds. */

export const states = [
  'waiting',
  'scheduled',
  'pending',
  'active',
  'retryable',
  'completed',
  'discarded',
  'cancelled',
] as const;
export type State = (typeof states)[number];
export const ends: ReadonlySet<State> = new Set<State>(['completed', 'discarded', 'cancelled']);

/** What a call came to. `unknown`: it may have taken effect at any time after it was made, or never. */
export type Outcome = 'done' | 'refused' | 'unknown';

interface Timed {
  readonly at: number;
}

export interface Unique {
  readonly key: string;
  /** In these states an earlier job of the key bars a new one. */
  readonly states: readonly State[];
  readonly periodMs?: number;
}

export interface Limit {
  readonly key: string;
  readonly concurrency?: number;
  readonly rate?: { readonly count: number; readonly windowMs: number };
}

/** A job as its producer asked for it. */
export interface NewJob {
  readonly id: string;
  readonly queue: string;
  readonly priority?: number;
  readonly dueAt?: number;
  readonly unique?: Unique;
  readonly limits?: readonly Limit[];
  readonly retry?: { readonly maxAttempts: number; readonly backoffMs: readonly number[] };
  readonly expires?: boolean;
}

export interface WorkflowNode {
  readonly node: string;
  readonly after: readonly string[];
  readonly callback?: 'complete' | 'success' | 'failure';
}

/** A durable step as it is sent, answered or stored. `value` is text. */
export interface StepRow {
  readonly name: string;
  readonly state: 'open' | 'done' | 'failed' | 'expired';
  /** The place in the order of replays. */
  readonly number?: number;
  readonly value?: string;
  /** Of a row that has a value which is not told here. */
  readonly hasValue?: boolean;
  /** In an answer: the outcome of an earlier record, which stays. */
  readonly isEarlier?: boolean;
  /** In a call: a first outcome of such a step forgives failed attempts. */
  readonly forgives?: boolean;
}

/** What a suspended job waits for. Without `ms` it is not known when the wait ends, unless an earlier one says it. */
export interface Wait {
  readonly name: string;
  readonly ms?: number;
}

/** The calls by `op`, each with its own members. */
interface Operations {
  enqueue: { readonly jobs: readonly NewJob[] };
  fetch: { readonly queues: readonly string[]; readonly request?: string };
  renew: { readonly leases: readonly string[]; readonly fetches?: readonly string[] };
  ack: { readonly job: string; readonly lease?: string; readonly result?: string };
  nack: {
    readonly job: string;
    readonly lease?: string;
    readonly counted?: boolean;
    readonly delayMs?: number;
    readonly waits?: readonly Wait[];
  };
  record: { readonly job: string; readonly lease: string; readonly steps: readonly StepRow[] };
  cancel: { readonly job: string };
  discard: { readonly job: string };
  retry: { readonly job: string };
  activate: { readonly job: string };
  remove: { readonly jobs?: readonly string[]; readonly queue?: string };
  release: { readonly worker?: string; readonly leases?: readonly string[] };
  pause: { readonly queue: string };
  resume: { readonly queue: string };
  workflow: { readonly workflow: string; readonly nodes: readonly WorkflowNode[] };
  cron: { readonly cron: string; readonly ticks: readonly string[]; readonly mayMiss?: readonly string[] };
}
export type Operation = keyof Operations;
export type CallOf<Name extends Operation> = Timed &
  Operations[Name] & { readonly kind: 'call'; readonly op: Name; readonly call: number; readonly node: string };
export type Call = { [Name in Operation]: CallOf<Name> }[Operation];

/** A job in an answer: to an enqueue it has a `status`, to a fetch a `lease`. */
export interface AnsweredJob {
  readonly id: string;
  readonly status?: 'created' | 'duplicate' | 'replaced' | 'refused';
  readonly existing?: string;
  readonly replaced?: readonly string[];
  readonly queue?: string;
  readonly lease?: string;
  readonly attempt?: number;
  readonly claim?: number;
  readonly leaseMs?: number;
  readonly cron?: string;
  readonly tick?: string;
  readonly workflow?: string;
  readonly node?: string;
  /** Outcomes of steps that the execution gets. */
  readonly steps?: readonly StepRow[];
}

export interface Answer extends Timed {
  readonly kind: 'answer';
  readonly call: number;
  readonly outcome: Outcome;
  readonly jobs?: readonly AnsweredJob[];
  readonly leases?: readonly string[];
  readonly state?: State;
  readonly steps?: readonly StepRow[];
}

/** The function of a step starts, a call of a step returns (`value`: what it returned), or a race of steps is decided. */
export interface Stepped extends Timed {
  readonly kind: 'step';
  readonly what: 'ran' | 'resolved' | 'won';
  readonly job: string;
  readonly lease: string;
  readonly name: string;
  readonly value?: string;
  /** The function records its step in the transaction that does its work, which adds an `effect`. */
  readonly transaction?: boolean;
}

/** A row as it is stored at the end. */
export interface FinalRow extends Timed, StepRow {
  readonly kind: 'row';
  readonly job: string;
}

/** The work of a step in a transaction, as it stands at the end. */
export interface Effect extends Timed {
  readonly kind: 'effect';
  readonly job: string;
  readonly name: string;
}

/** A job as it stands at the end. */
export interface FinalJob extends Timed {
  readonly kind: 'job';
  readonly id: string;
  readonly queue: string;
  readonly state: State;
  readonly attempt?: number;
  readonly result?: string;
  readonly cron?: string;
  readonly tick?: string;
  readonly workflow?: string;
  readonly node?: string;
  readonly waits?: boolean;
}

export interface Config extends Timed {
  readonly kind: 'config';
  /** For how long the store may pass over a job, in milliseconds: while a claim that fails holds its lock. */
  readonly orderJitterMs?: number;
  readonly toleranceMs?: number;
  readonly limits?: readonly (Limit & { readonly queue: string })[];
}

export interface ArrivedEvent extends Timed {
  readonly kind: 'event';
  readonly subscriber: string;
  readonly position: number;
  readonly type?: string;
  readonly job?: string;
}

export interface Subscription extends Timed {
  readonly kind: 'subscribe';
  readonly subscriber: string;
  readonly after: number;
  readonly types?: readonly string[];
}

export interface LoggedEvent extends Timed {
  readonly kind: 'log';
  readonly position: number;
  readonly type?: string;
  readonly job?: string;
  readonly state?: State;
}

export interface Deadline extends Timed {
  readonly kind: 'deadline';
  readonly job: string;
  readonly by: number;
  readonly what: 'claim' | 'end';
  readonly why: string;
}

export interface Counts extends Timed {
  readonly kind: 'counts';
  readonly queue: string;
  readonly states: Readonly<Partial<Record<State, number>>>;
}

export type HistoryRecord =
  | Call
  | Answer
  | FinalJob
  | Config
  | ArrivedEvent
  | Subscription
  | LoggedEvent
  | Deadline
  | Counts
  | Stepped
  | FinalRow
  | Effect
  | (Timed & { readonly kind: 'clock'; readonly jumpMs: number })
  | (Timed & { readonly kind: 'loss'; readonly node: string })
  | (Timed & { readonly kind: 'calm' })
  | (Timed & { readonly kind: 'complete' });
