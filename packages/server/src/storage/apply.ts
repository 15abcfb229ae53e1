/**
 * What a storage decides of a job beyond core's rules of a change, which it passes on. Limits are in `limits.ts`, sums by minute in `statistics.ts`, workflows,
 * crons and documents in `records.ts`.
 */
import { isIn, type JobRecord, type Millis, type NewJob, State, type StateMask, type Transition } from '@ojs-ts/core';
import type { Claim, Inserted, QueueRecord } from './storage.ts';

export {
  claimed,
  eventsOf,
  extended,
  isExpired,
  isIn,
  type Mutable,
  moved,
  promoted,
  promotionEvent,
  type Texts,
  textsOf,
  uniqueAnswer,
} from '@ojs-ts/core';

export type Verdict = 'moves' | 'already' | 'refused';

/**
 * Whether a transition fits the job as it is. `already` comes before `refused`, so a repeated call is never told that its own success was a conflict.
 * Only a claim starts an execution: `to: active` fits an active job alone.
 */
export function verdict(job: Pick<JobRecord, 'state' | 'claim' | 'worker'>, transition: Transition): Verdict {
  const { from, to, claim, worker } = transition;
  const fits = isIn(job.state, from) && (to !== State.active || job.state === State.active);
  if (!fits && claim !== undefined && claim === job.claim && job.state === to) return 'already';
  if (!fits || (claim !== undefined && claim !== job.claim)) return 'refused';
  return worker !== undefined && job.worker !== null && job.worker !== worker ? 'refused' : 'moves';
}

/** Whether the change ends an execution otherwise than by its ACK: it must not overtake a completion that a user's transaction has committed. */
export function overtakes({ from, to }: Transition): boolean {
  return isIn(State.active, from) && to !== State.active && to !== State.completed;
}

/** When an active job is overdue: the first end of its lease, of its execution, of its whole time, of the patience with its silence. */
export function overdueAt(
  job: Pick<JobRecord, 'leaseUntil' | 'startedAt' | 'timeoutMs' | 'deadlineAt' | 'beatAt' | 'heartbeatMs'>,
): Millis | null {
  if (job.leaseUntil === null) return null;
  return Math.min(
    job.leaseUntil,
    job.startedAt === null ? job.leaseUntil : job.startedAt + job.timeoutMs,
    job.deadlineAt ?? job.leaseUntil,
    job.beatAt === null ? job.leaseUntil : job.beatAt + job.heartbeatMs,
  );
}

/**
 * What one claim call does besides handing out: its cost must not grow with what is due or expired in front. Upkeep moves the rest meanwhile.
 * An expired job costs about 20 µs, four times a promotion, and nobody waits for it.
 */
export function sideWork(claims: readonly Claim[]): { readonly promoted: number; readonly expired: number } {
  const wanted = claims.reduce((sum, claim) => sum + Math.max(0, claim.limit), 0);
  return { promoted: Math.max(100, wanted), expired: Math.max(10, wanted) };
}

/** States that count for a queue's capacity. Active jobs do not, so that a retry can always come back (ojs-backpressure §4). */
export const Queued: StateMask = State.available | State.scheduled | State.retryable;

/** A queue as an insert sees it: `depth` jobs wait in it, and `more` of the same group will (fewer than 0 where it replaced some). */
export type Door = Pick<QueueRecord, 'name' | 'paused' | 'capacity'> & {
  readonly depth: number;
  readonly more: number;
};

/** Why a queue does not take a new job; null where it does. Nodes of workflows pass, or a workflow would stop half-way. */
export function doorAnswer(job: Pick<NewJob, 'state' | 'node'>, door: Door, refusePaused: boolean): Inserted | null {
  if (job.node !== null) return null;
  const { name, paused, capacity, depth, more } = door;
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

/** Under what a fetch is remembered: clients may number their requests, so one is its worker's alone. Worker ids have no line breaks. */
export function requestKey(request: string, worker: string | null): string {
  return `${worker ?? ''}\n${request}`;
}
