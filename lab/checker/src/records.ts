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

/** The calls by `op`, each with its own members. */
interface Operations {
  enqueue: { readonly jobs: readonly NewJob[] };
  fetch: { readonly queues: readonly string[]; readonly request?: string };
  renew: { readonly leases: readonly string[]; readonly fetches?: readonly string[] };
  ack: { readonly job: string; readonly lease?: string; readonly result?: string };
  nack: { readonly job: string; readonly lease?: string; readonly counted?: boolean; readonly delayMs?: number };
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
}

export interface Answer extends Timed {
  readonly kind: 'answer';
  readonly call: number;
  readonly outcome: Outcome;
  readonly jobs?: readonly AnsweredJob[];
  readonly leases?: readonly string[];
  readonly state?: State;
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
  | (Timed & { readonly kind: 'clock'; readonly jumpMs: number })
  | (Timed & { readonly kind: 'loss'; readonly node: string })
  | (Timed & { readonly kind: 'calm' })
  | (Timed & { readonly kind: 'complete' });
