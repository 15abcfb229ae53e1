import type { Json } from '../job/job.ts';
import { State, type StateMask, Terminal, Waiting } from '../job/states.ts';
import type { JobChanges } from '../lifecycle/job-changes.ts';
import type { Millis } from '../time/clock.ts';

/** The states of the jobs that each action changes. By a filter no running job is changed. */
export const bulkStates = {
  cancel: Waiting,
  delete: Terminal,
  discard: Waiting,
  edit: Waiting,
  priority: Waiting,
  promote: State.scheduled | State.retryable,
  purge: State.discarded,
  redrive: State.discarded,
  rerun: Terminal,
  // An available job cannot be put off (ojs-core §6.3).
  reschedule: State.scheduled | State.pending | State.retryable,
  retry: State.discarded | State.retryable,
} as const satisfies Record<string, StateMask>;

export type BulkAction = keyof typeof bulkStates;

/** The actions of `POST /admin/bulk`. A redrive is a retry of the dead letter, and a purge a deletion of it. */
export const bulkActions = Object.keys(bulkStates) as readonly BulkAction[];

export function isBulkAction(text: string | null): text is BulkAction {
  return text !== null && Object.hasOwn(bulkStates, text);
}

/** The jobs of an operation, as requested: a query, the members of a filter, or both. */
export interface BulkSelection {
  readonly query: string | null;
  /** JSON text of the members, without a number read. */
  readonly filter: Json | null;
}

export function isOfDeadLetter(action: BulkAction): boolean {
  return action === 'redrive' || action === 'purge';
}

/** Reports whether the action deletes jobs, which needs a right of its own. */
export function deletesJobs(action: BulkOperation['action']): boolean {
  return action === 'delete' || action === 'purge';
}

export type BulkState = 'running' | 'stopped' | 'done' | 'failed';

/** Who an operation acts for, with no more rights than a single call of theirs has. */
export interface BulkActor {
  readonly name: string;
  /** The queues of their token; null for all. */
  readonly queues: readonly string[] | null;
}

/** The request of an operation. */
export interface NewBulkOperation {
  readonly id: string;
  /** `undo` takes back what another operation did. */
  readonly action: BulkAction | 'undo';
  /** The operation that is taken back; null for any other action. */
  readonly of: string | null;
  readonly selection: BulkSelection;
  /** The changes as requested, the same for every job; empty for an action that takes none. */
  readonly changes: JobChanges;
  /** The only queue of its jobs; null if they may be in any. */
  readonly queue: string | null;
  /** Who started it, or who resumed it last. */
  readonly actor: BulkActor;
  readonly startedAt: Millis;
  /** How many jobs matched at the start; there are more if `isLowerBound`. */
  readonly matched: number;
  readonly isLowerBound: boolean;
  /** Jobs a second at most; null without a bound. */
  readonly rate: number | null;
}

/**
 * A bulk operation on record: a change of all jobs that matched when it started, which a server makes in steps. Each
 * step is written before it is done, so another server continues after a crash.
 */
export interface BulkOperation extends NewBulkOperation {
  /** Who started it. */
  readonly by: string;
  readonly state: BulkState;
  readonly finishedAt: Millis | null;
  /** Jobs that were looked at, and those of them that were changed. */
  readonly done: number;
  readonly changed: number;
  /** The others, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Steps that are done; a part of the list without a matching job is none. */
  readonly steps: number;
  /** The start of the next step in the list of jobs; null at the beginning. */
  readonly cursor: string | null;
  /** The time at which the operation began or continued, and its progress then: for the time left. */
  readonly resumedAt: Millis;
  readonly doneBefore: number;
  /** Jobs that the rate allows, as of a time. */
  readonly allowed: number;
  readonly allowedAt: Millis;
  /** The operation that takes this one back. */
  readonly undoneBy: string | null;
  /** Why the operation failed, or why the server stopped it. */
  readonly error: string | null;
}

export function newBulkOperation(operation: NewBulkOperation): BulkOperation {
  const { startedAt, rate } = operation;
  return {
    ...operation,
    by: operation.actor.name,
    state: 'running',
    finishedAt: null,
    done: 0,
    changed: 0,
    skipped: {},
    steps: 0,
    cursor: null,
    resumedAt: startedAt,
    doneBefore: 0,
    allowed: rate === null ? 0 : leastStep(rate),
    allowedAt: startedAt,
    undoneBy: null,
    error: null,
  };
}

/** The jobs of one step, and where the next one begins. */
export interface BulkStep {
  readonly ids: readonly string[];
  readonly next: string | null;
}

/** The outcomes of the jobs of a step. */
export interface BulkTally {
  readonly changed: number;
  readonly skipped: Readonly<Record<string, number>>;
}

/** The operation after its next step. A stopped operation stays stopped, but its last step counts. */
export function stepped(
  operation: BulkOperation,
  step: BulkStep,
  { changed, skipped }: BulkTally,
  now: Millis,
): BulkOperation {
  const sums = { ...operation.skipped };
  for (const [reason, count] of Object.entries(skipped)) sums[reason] = (sums[reason] ?? 0) + count;
  const count = step.ids.length;
  const isLast = step.next === null;
  return {
    ...operation,
    ...(isLast && { state: 'done', finishedAt: now }),
    done: operation.done + count,
    changed: operation.changed + changed,
    skipped: sums,
    steps: operation.steps + Math.min(1, count),
    cursor: step.next,
    allowed: allowance(operation, now) - count,
    allowedAt: now,
  };
}

/** Jobs of one step without a rate: about 20 ms of work on SQLite. */
export const mostOfStep = 500;

/** A step has the jobs of a second, so that a slow operation makes few steps. */
function leastStep(rate: number): number {
  return Math.max(1, Math.min(mostOfStep, Math.floor(rate)));
}

/**
 * A pause leaves at most two seconds of the rate unused, and a clock that was set back gives away no more than that.
 */
function allowance({ rate, allowed, allowedAt }: BulkOperation, now: Millis): number {
  if (rate === null) return 0;
  return Math.min(Math.max(1, 2 * rate), allowed + (Math.abs(now - allowedAt) * rate) / 1_000);
}

/** How many jobs the next step may have; 0 if the rate allows none yet. */
export function stepSize(operation: BulkOperation, now: Millis): number {
  const { rate } = operation;
  if (rate === null) return mostOfStep;
  const allowed = Math.floor(allowance(operation, now));
  return allowed < leastStep(rate) ? 0 : Math.min(mostOfStep, allowed);
}

/**
 * The first moment that is after the start. Before it no step is done, so whatever the operation causes is later than
 * what it is about.
 */
export function bulkCutoff({ startedAt }: Pick<BulkOperation, 'startedAt'>): Millis {
  return startedAt + 1;
}

/** The idempotency key under which an operation changes jobs: a job whose history has it was changed by it. */
export function bulkKey(id: string): string {
  return `bulk:${id}`;
}

/** Milliseconds that the rest will take; null if this cannot be estimated. */
export function timeLeft(operation: BulkOperation, now: Millis): number | null {
  const { state, matched, done, rate, resumedAt, doneBefore } = operation;
  if (state !== 'running') return null;
  const left = Math.max(0, matched - done);
  const spent = now - resumedAt;
  const speed = spent > 0 ? (done - doneBefore) / spent : 0;
  if (rate !== null) return Math.ceil((left * 1_000) / rate);
  return speed > 0 ? Math.ceil(left / speed) : null;
}

/** Why an operation cannot be undone; null if it can. */
export function whyNotUndone({ action }: Pick<BulkOperation, 'action'>): string | null {
  switch (action) {
    case 'delete':
    case 'purge':
      return 'Deleted jobs cannot be restored, except from a backup.';
    case 'promote':
      return 'The times for which the jobs were scheduled are not kept.';
    case 'edit':
    case 'priority':
    case 'reschedule':
      return 'The old values are not kept: change the jobs once more.';
    case 'undo':
      return 'An undo is not undone: start the operation again.';
    case 'cancel':
    case 'discard':
    case 'redrive':
    case 'rerun':
    case 'retry':
      return null;
  }
}
