/**
 * What a change does to a job: the same pure code for every storage whose transactions run in this process.
 * Limits are in `limits.ts`, sums by minute in `statistics.ts`, workflows, crons and documents in `records.ts`.
 */
import {
  type EventKind,
  type JobRecord,
  type Millis,
  type NewJob,
  type NewUnique,
  State,
  type StateMask,
  Terminal,
  type Transition,
  type TransitionEvent,
} from '@ojs-ts/core';
import type { Claim, Inserted, QueueRecord } from './storage.ts';

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

export function isIn(state: State, mask: StateMask): boolean {
  return (state & mask) !== 0;
}

/** Whether the change ends an execution otherwise than by its ACK: it must not overtake a completion that a user's transaction has committed. */
export function overtakes({ from, to }: Transition): boolean {
  return isIn(State.active, from) && to !== State.active && to !== State.completed;
}

/** The fields that a transition may change, besides {@link Texts}. */
export type Mutable = Pick<
  JobRecord,
  | 'state'
  | 'queue'
  | 'priority'
  | 'attempt'
  | 'runAt'
  | 'enqueuedAt'
  | 'startedAt'
  | 'worker'
  | 'leaseMs'
  | 'leaseUntil'
  | 'beatAt'
  | 'finishedAt'
  | 'deadLetter'
>;

export function moved<T extends Mutable>(job: T, transition: Transition, now: Millis): T {
  const { to } = transition;
  const stays = to === State.active;
  const beats = stays && transition.beat === true;
  return {
    ...job,
    state: to,
    queue: transition.queue ?? job.queue,
    priority: transition.priority ?? job.priority,
    attempt: transition.attempt ?? job.attempt,
    runAt: transition.runAt ?? job.runAt,
    enqueuedAt: to === State.available ? now : job.enqueuedAt,
    startedAt: transition.clearRun ? null : job.startedAt,
    worker: transition.clearRun ? null : job.worker,
    leaseMs: stays ? job.leaseMs : null,
    leaseUntil: stays ? (beats ? extended(job, null, now) : job.leaseUntil) : null,
    beatAt: stays ? (beats ? now : job.beatAt) : null,
    finishedAt: finishedAt(job, to, now),
    deadLetter: to === State.discarded && (transition.deadLetter ?? job.deadLetter),
  };
}

/** A change of a finished job that leaves it finished, such as its entry into the dead letter, keeps the time. */
export function finishedAt(job: Pick<JobRecord, 'state' | 'finishedAt'>, to: State, now: Millis): Millis | null {
  if (!isIn(to, Terminal)) return null;
  return isIn(job.state, Terminal) ? job.finishedAt : now;
}

export type Texts = Pick<JobRecord, 'result' | 'history' | 'progress' | 'checkpoint' | 'envelope' | 'policy'>;

/** The texts that a transition replaces; `after` is what {@link moved} made of the job. A checkpoint ends with its job, unless that is in the dead letter. */
export function textsOf(transition: Transition, after: Pick<JobRecord, 'state' | 'deadLetter'>): Partial<Texts> {
  const { result, history, progress, checkpoint, envelope, policy } = transition;
  const ended = isIn(after.state, Terminal) && !after.deadLetter;
  return {
    ...(result !== undefined && { result }),
    ...(history !== undefined && { history }),
    ...(progress !== undefined && { progress }),
    ...(ended ? { checkpoint: null } : checkpoint !== undefined && { checkpoint }),
    ...(envelope !== undefined && { envelope }),
    ...(policy !== undefined && { policy }),
  };
}

const changed: readonly TransitionEvent[] = [{ kind: 'job.state_changed' }];

/** What a transition writes into the log: its own events, or that the state changed where it has none. */
export function eventsOf({ events, to }: Transition, was: State): readonly TransitionEvent[] {
  return events.length === 0 && to !== was ? changed : events;
}

export function promoted(job: JobRecord, now: Millis): JobRecord {
  return { ...job, state: State.available, enqueuedAt: now };
}

/** The event of a promotion: the first entry into the queue, or the end of a backoff. */
export function promotionEvent(was: State): EventKind {
  return was === State.scheduled ? 'job.enqueued' : 'job.state_changed';
}

export function claimed(job: JobRecord, claim: Claim, now: Millis): JobRecord {
  const leaseMs = claim.leaseMs ?? job.visibilityMs ?? claim.defaultLeaseMs;
  return {
    ...job,
    state: State.active,
    attempt: job.attempt + 1,
    claim: job.claim + 1,
    expiresAt: job.laterExpiresAt,
    startedAt: now,
    worker: claim.worker,
    leaseMs,
    leaseUntil: now + leaseMs,
    beatAt: null,
    progress: null,
  };
}

/** The end of a reservation after a heartbeat: never earlier than it was. */
export function extended(job: Pick<JobRecord, 'leaseMs' | 'leaseUntil'>, leaseMs: number | null, now: Millis): Millis {
  return Math.max(job.leaseUntil ?? 0, now + Math.max(leaseMs ?? 0, job.leaseMs ?? 0));
}

export function isExpired(job: Pick<JobRecord, 'expiresAt'>, now: Millis): boolean {
  return job.expiresAt !== null && job.expiresAt <= now;
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
export type Door = Pick<QueueRecord, 'name' | 'paused' | 'capacity'> & { readonly depth: number; readonly more: number };

/** Why a queue does not take a new job; null where it does. Nodes of workflows pass, or a workflow would stop half-way. */
export function doorAnswer(job: Pick<NewJob, 'state' | 'node'>, door: Door, refusePaused: boolean): Inserted | null {
  if (job.node !== null) return null;
  const { name, paused, capacity, depth, more } = door;
  if (paused && refusePaused) return { kind: 'paused', queue: name };
  if (capacity === null || !isIn(job.state, Queued) || depth + more < capacity) return null;
  return { kind: 'full', queue: name, depth, bound: capacity };
}

/**
 * What a job's unique policy makes of the other holders of its key, given oldest first (by `createdAt`, then order of creation): the one that refuses it,
 * or those that it replaces. It looks at no more than every unfinished holder and, of each finished state, the oldest that was created after `createdAfter`.
 */
export function uniqueAnswer<T extends Pick<JobRecord, 'state' | 'createdAt'>>(
  unique: NewUnique,
  holders: readonly T[],
): { readonly refusedBy: T } | { readonly replaces: readonly T[] } {
  const { states, createdAfter, onConflict } = unique;
  const matching = holders.filter((job) => isIn(job.state, states) && (createdAfter === null || job.createdAt > createdAfter));
  const unfinished = matching.filter((job) => !isIn(job.state, Terminal));
  const refusedBy =
    onConflict === 'keep'
      ? (unfinished[0] ?? matching[0])
      : unfinished.find((job) => onConflict === 'replace_unscheduled' && job.state === State.scheduled);
  return refusedBy === undefined ? { replaces: unfinished } : { refusedBy };
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
    if (answer.kind === 'already') return refused ? { kind: 'aborted' } : { kind: 'duplicate', by: 'id', existing: answer.job };
    return answer.kind === 'inserted' ? { kind: 'aborted' } : answer;
  });
}

/** Under what a fetch is remembered: clients may number their requests, so one is its worker's alone. Worker ids have no line breaks. */
export function requestKey(request: string, worker: string | null): string {
  return `${worker ?? ''}\n${request}`;
}
