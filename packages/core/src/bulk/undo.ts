import { coversQueue } from '../access/roles.ts';
import type { JobId, JobRecord } from '../job/job.ts';
import { State, Terminal, Waiting } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import { cancelled } from '../lifecycle/decide.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { type BulkDecision, bulkEntryOf, insertWithin, linkedJob, skipFor } from './decide.ts';
import { type BulkActor, type BulkOperation, bulkKey } from './operation.ts';

/** The facts that an undo needs. */
export interface Undoing {
  /** The undo. */
  readonly id: string;
  /** The operation that it takes back. */
  readonly of: Pick<BulkOperation, 'id' | 'action'>;
  /** Who takes it back. The jobs may have other queues by now. */
  readonly actor: BulkActor;
  /** The same id for the same job, whenever it is asked. */
  readonly newId: (job: JobRecord) => JobId;
}

/**
 * A cancelled or discarded job runs again as a new one, linked to it, because no job leaves these states by itself. A
 * retried job that still waits is cancelled. A job that is left as it is gets a reason.
 * @param job that the operation has changed; of a rerun the job that it has made.
 */
export function undoDecision(undoing: Undoing, job: JobRecord | null, now: Millis): BulkDecision {
  const { of, actor, newId } = undoing;
  const isRerun = of.action === 'rerun';
  if (job === null) return skipFor(isRerun ? 'no_new_job' : 'pruned');
  if (actor.queues !== null && !coversQueue({ queues: actor.queues }, job.queue)) return skipFor('other_queues');
  const entry = bulkEntryOf(job, bulkKey(of.id));
  if (entry === null && !isRerun) return skipFor('not_changed');
  const key = bulkKey(undoing.id);
  if (bulkEntryOf(job, key) !== null) return { kind: 'done' };
  if (job.node !== null) return skipFor('in_workflow');
  if (entry === null || entry.kind === 'retried') {
    if (isIn(job.state, Waiting)) return { kind: 'move', transition: cancelled(job, now, key) };
    return skipFor(isIn(job.state, Terminal) ? 'has_ended' : 'running');
  }
  if (entry.kind !== 'cancelled' && entry.kind !== 'discarded') return skipFor('would_run_anyway');
  if (entry.from === State.active) return skipFor('was_active');
  if (entry.from === State.pending) return skipFor('was_pending');
  const ended = entry.kind === 'cancelled' ? State.cancelled : State.discarded;
  if (job.state !== ended) return skipFor('changed_since');
  // A scheduled job keeps its time if that is still to come.
  const isLater = entry.from === State.scheduled && job.runAt > now;
  const changes = isLater ? { scheduled_at: JSON.stringify(formatTimestamp(job.runAt)) } : {};
  return insertWithin(actor, linkedJob(job, changes, now, newId));
}
