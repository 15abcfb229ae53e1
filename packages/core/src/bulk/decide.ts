import { reachBeyond } from '../access/reach.ts';
import type { ReadEnvelope } from '../envelope/envelope.ts';
import { ProtocolError } from '../errors.ts';
import { historyOf } from '../job/history.ts';
import type { HistoryEntry, JobId, JobRecord, Transition } from '../job/job.ts';
import { fits, type JobFilter } from '../job/selection.ts';
import { State } from '../job/states.ts';
import { cancelled, discarded, promotedByHand, retried } from '../lifecycle/decide.ts';
import { editOf } from '../lifecycle/edit.ts';
import type { JobChanges } from '../lifecycle/job-changes.ts';
import { rerunOf } from '../lifecycle/linked-job.ts';
import type { Millis } from '../time/clock.ts';
import { changesAt } from './changes.ts';
import { type BulkAction, type BulkActor, type BulkOperation, bulkKey, deletesJobs } from './operation.ts';

/** The effect of a bulk operation on one job. */
export type BulkDecision =
  | { readonly kind: 'move'; readonly transition: Transition }
  | { readonly kind: 'remove' }
  | { readonly kind: 'insert'; readonly read: ReadEnvelope }
  /** This operation has changed the job already, before a crash. */
  | { readonly kind: 'done' }
  | { readonly kind: 'skip'; readonly reason: string };

export function skipFor(reason: string): BulkDecision {
  return { kind: 'skip', reason };
}

/** The job stays, because a call about it alone would be refused so. */
export function refusalOf({ code, details }: ProtocolError): BulkDecision {
  return skipFor(typeof details.reason === 'string' ? details.reason : code);
}

/**
 * Reports whether the job is unchanged since the moment: it was not created, did not fail, did not end and was not
 * changed by an operator. A claim that was given back is nothing.
 */
export function isUntouchedSince(job: JobRecord, moment: Millis): boolean {
  if (job.createdAt >= moment || (job.finishedAt !== null && job.finishedAt >= moment)) return false;
  return job.history === '' || historyOf(job).every(({ kind, at }) => kind === 'requeued' || at < moment);
}

/** The part of an operation that a decision about a job needs. */
export type Deciding = Pick<BulkOperation, 'id' | 'changes' | 'startedAt' | 'actor'> & {
  readonly action: BulkAction;
  /** The id of the job that a rerun makes of another one: the same whenever it is asked. */
  readonly newId: (job: JobRecord) => JobId;
};

/** @param filter what the job must still fit. */
export function bulkDecision(operation: Deciding, filter: JobFilter, job: JobRecord | null, now: Millis): BulkDecision {
  const { action } = operation;
  // The record of a deleted job no longer says who deleted it.
  if (job === null) return deletesJobs(action) ? { kind: 'done' } : skipFor('gone');
  const key = bulkKey(operation.id);
  if (bulkEntryOf(job, key) !== null) return { kind: 'done' };
  if (!fits(job, filter)) return skipFor('changed_since');
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
    case 'edit':
    case 'priority':
    case 'reschedule':
      return unlessRefused(() => edited(operation, job, now, key));
    case 'rerun':
      return unlessRefused(() => rerun(operation, job, now));
  }
}

function unlessRefused(decide: () => BulkDecision): BulkDecision {
  try {
    return decide();
  } catch (error) {
    if (error instanceof ProtocolError) return refusalOf(error);
    throw error;
  }
}

function edited({ changes, startedAt }: Deciding, job: JobRecord, now: Millis, key: string): BulkDecision {
  const transition = editOf(job, { changes: changesAt(changes, startedAt) }, { now }, key);
  return transition === null ? skipFor('no_change') : { kind: 'move', transition };
}

function rerun({ changes, startedAt, actor, newId }: Deciding, job: JobRecord, now: Millis): BulkDecision {
  return insertWithin(actor, linkedJob(job, changesAt(changes, startedAt), now, newId));
}

/** A token that may not rerun a single job in its queues may not rerun it in bulk. */
export function insertWithin({ queues }: BulkActor, read: ReadEnvelope): BulkDecision {
  const { crossesQueues } = read;
  const { queue, limits } = read.job;
  if (queues !== null && reachBeyond({ queues }, { queue, limits, crossesQueues }) !== null)
    return skipFor('other_queues');
  return { kind: 'insert', read };
}

/** A new job with the work of an ended one. It never replaces a job that has come since. */
export function linkedJob(
  job: JobRecord,
  changes: JobChanges,
  now: Millis,
  newId: (job: JobRecord) => JobId,
): ReadEnvelope {
  const read = rerunOf(job, changes, { now }, () => newId(job));
  const { unique } = read.job;
  return unique === null ? read : { ...read, job: { ...read.job, unique: { ...unique, onConflict: 'keep' } } };
}

type KeyedEntry = Extract<HistoryEntry, { readonly key?: string }>;

/** The entry of a change that was made under the key. */
export function bulkEntryOf(job: JobRecord, key: string): KeyedEntry | null {
  if (!job.history.includes(key)) return null;
  return historyOf(job).findLast((entry): entry is KeyedEntry => 'key' in entry && entry.key === key) ?? null;
}
