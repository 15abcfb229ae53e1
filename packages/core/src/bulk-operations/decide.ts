import { historyOf } from '../job/history.ts';
import type { HistoryEntry, JobRecord, NewJob, Transition } from '../job/job.ts';
import { fits, type JobFilter } from '../job/selection.ts';
import { State, Terminal, Waiting } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import { cancelled, discarded, promotedByHand, retried } from '../lifecycle/decide.ts';
import { rerunOf } from '../lifecycle/linked-job.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { type BulkAction, bulkKey, deletesJobs } from './operation.ts';

/** What a bulk operation does with one job. */
export type BulkDecision =
  | { readonly kind: 'move'; readonly transition: Transition }
  | { readonly kind: 'remove' }
  | { readonly kind: 'insert'; readonly job: NewJob }
  /** This operation has changed the job already, before a crash. */
  | { readonly kind: 'done' }
  | { readonly kind: 'skip'; readonly reason: string };

const done: BulkDecision = { kind: 'done' };

function skip(reason: string): BulkDecision {
  return { kind: 'skip', reason };
}

/**
 * Whether nothing has happened to the job since the moment: it was not created, did not fail, did not end and was not
 * changed by an operator. A claim that was given back is nothing.
 */
export function isUntouchedSince(job: JobRecord, moment: Millis): boolean {
  if (job.createdAt >= moment || (job.finishedAt !== null && job.finishedAt >= moment)) return false;
  return job.history === '' || historyOf(job).every(({ kind, at }) => kind === 'requeued' || at < moment);
}

/** @param filter what the job must still fit. */
export function bulkDecision(
  { id, action }: { readonly id: string; readonly action: BulkAction },
  filter: JobFilter,
  job: JobRecord | null,
  now: Millis,
): BulkDecision {
  // Of a deleted job nobody can say who deleted it.
  if (job === null) return deletesJobs(action) ? done : skip('gone');
  const key = bulkKey(id);
  if (entryOf(job, key) !== null) return done;
  if (!fits(job, filter)) return skip('changed_since');
  switch (action) {
    case 'cancel':
      return { kind: 'move', transition: cancelled(job, now, key) };
    case 'delete':
    case 'purge':
      return { kind: 'remove' };
    case 'discard':
      return { kind: 'move', transition: discarded(job, now, key) };
    case 'promote':
      return { kind: 'move', transition: promotedByHand(job, now, key) };
    case 'redrive':
    case 'retry': {
      const change = job.state === State.discarded ? retried : promotedByHand;
      return { kind: 'move', transition: change(job, now, key) };
    }
  }
}

/** What an undo must know. */
export interface Undoing {
  /** The undo, and the operation that it takes back. */
  readonly id: string;
  readonly of: string;
  /** The same id for the same job, whenever it is asked. */
  readonly newId: (job: JobRecord) => string;
}

/**
 * A cancelled or discarded job runs again as a new one, linked to it, because no job leaves these states by itself. A
 * retried job that still waits is cancelled. What stays says why.
 */
export function undoDecision(undoing: Undoing, job: JobRecord | null, now: Millis): BulkDecision {
  if (job === null) return skip('pruned');
  const entry = entryOf(job, bulkKey(undoing.of));
  if (entry === null) return skip('not_changed');
  const key = bulkKey(undoing.id);
  if (entryOf(job, key) !== null) return done;
  if (job.node !== null) return skip('in_workflow');
  switch (entry.kind) {
    case 'cancelled':
    case 'discarded': {
      if (entry.from === State.active) return skip('was_active');
      if (entry.from === State.pending) return skip('was_pending');
      const ended = entry.kind === 'cancelled' ? State.cancelled : State.discarded;
      if (job.state !== ended) return skip('changed_since');
      return { kind: 'insert', job: linked(undoing, job, entry.from, now) };
    }
    case 'retried':
      if (isIn(job.state, Waiting)) return { kind: 'move', transition: cancelled(job, now, key) };
      return skip(isIn(job.state, Terminal) ? 'has_ended' : 'running');
    default:
      return skip('would_run_anyway');
  }
}

/** A scheduled job keeps its time if that is still to come. The new job never replaces one that has come since. */
function linked({ newId }: Undoing, job: JobRecord, from: State, now: Millis): NewJob {
  const isLater = from === State.scheduled && job.runAt > now;
  const changes = isLater ? { scheduled_at: JSON.stringify(formatTimestamp(job.runAt)) } : {};
  const made = rerunOf(job, changes, { now }, () => newId(job)).job;
  return made.unique === null ? made : { ...made, unique: { ...made.unique, onConflict: 'keep' } };
}

type KeyedEntry = Extract<HistoryEntry, { readonly key?: string }>;

/** The entry of a change that was made under the key. */
function entryOf(job: JobRecord, key: string): KeyedEntry | null {
  if (!job.history.includes(key)) return null;
  return historyOf(job).findLast((entry): entry is KeyedEntry => 'key' in entry && entry.key === key) ?? null;
}
