/** What becomes of new jobs: inserted, there already, or refused by an id, a unique key or their queue. */

import type { JobId, JobRecord, NewJob } from './job/job.ts';
import { State, type StateMask } from './job/states.ts';
import { isIn } from './lifecycle/change.ts';

export type Inserted =
  /** `replaced` are the jobs that this one's unique policy cancelled. */
  | { readonly kind: 'inserted'; readonly replaced: readonly JobId[] }
  /** The whole group is there with the same envelopes: a repeated call. */
  | { readonly kind: 'already'; readonly job: JobRecord }
  /**
   * The id belongs to another job, or to a job of which the rest of the group is not there; or a job holds the unique key. The id is looked at first,
   * or a repeated replacement would cancel its own winner. Of several holders of a key an unfinished one is named, the oldest.
   */
  | { readonly kind: 'duplicate'; readonly by: 'id' | 'unique'; readonly existing: JobRecord }
  /** The group does not fit into the queue's capacity: `depth` jobs wait in it, `bound` may. */
  | { readonly kind: 'full'; readonly queue: string; readonly depth: number; readonly bound: number }
  /** The queue is paused, and paused queues were to refuse. */
  | { readonly kind: 'paused'; readonly queue: string }
  /** Another job of the same group was refused. */
  | { readonly kind: 'aborted' };

export interface InsertOptions {
  /** A paused queue refuses new jobs (`paused`) instead of keeping them. */
  readonly refusePaused?: boolean;
}

/** States that count for a queue's capacity. Active jobs do not, so that a retry can always come back (ojs-backpressure §4). */
export const Queued: StateMask = State.available | State.scheduled | State.retryable;

/** A queue as an insert sees it: `depth` jobs wait in it, and `more` of the same group will (fewer than 0 where it replaced some). */
export interface QueueView {
  readonly name: string;
  readonly paused: boolean;
  readonly capacity: number | null;
  readonly depth: number;
  readonly more: number;
}

/** Why a queue does not take a new job; null where it does. Nodes of workflows pass, or a workflow would stop half-way. */
export function queueRefusal(
  job: Pick<NewJob, 'state' | 'node'>,
  queue: QueueView,
  refusePaused: boolean,
): Inserted | null {
  if (job.node !== null) return null;
  const { name, paused, capacity, depth, more } = queue;
  if (paused && refusePaused) return { kind: 'paused', queue: name };
  if (capacity === null || !isIn(job.state, Queued) || depth + more < capacity) return null;
  return { kind: 'full', queue: name, depth, bound: capacity };
}

/**
 * What becomes of a group once each of its jobs was looked at: inserted wholly, there already wholly (a repeated call), or refused. A group of which only a
 * part is there is not the call that made it, so that part is `duplicate`.
 */
export function groupVerdict(answers: readonly Inserted[]): readonly Inserted[] {
  const every = (kind: Inserted['kind']) => answers.every((answer) => answer.kind === kind);
  if (every('inserted') || every('already')) return answers;
  const refused = answers.some(({ kind }) => kind !== 'inserted' && kind !== 'already');
  return answers.map((answer): Inserted => {
    if (answer.kind === 'already')
      return refused ? { kind: 'aborted' } : { kind: 'duplicate', by: 'id', existing: answer.job };
    return answer.kind === 'inserted' ? { kind: 'aborted' } : answer;
  });
}
