/**
 * The effect of a change on a job: the same pure code for every storage whose transactions run in this process, and for
 * the fake of `@ojs-ts/sdk/testing`.
 */

import type { EventKind } from '../events/kinds.ts';
import type { JobRecord, NewUnique, Transition, TransitionEvent } from '../job/job.ts';
import { State, type StateMask, Terminal } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';

export function isIn(state: State, mask: StateMask): boolean {
  return (state & mask) !== 0;
}

/** The fields that a transition may change, besides {@link Texts}. */
export type Mutable = Pick<
  JobRecord,
  | 'state'
  | 'queue'
  | 'priority'
  | 'attempt'
  | 'timeoutMs'
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

/** The job after a transition that was decided from it; {@link textsOf} has its texts. */
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
    timeoutMs: transition.timeoutMs ?? job.timeoutMs,
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

/** A change of a finished job that stays finished, such as its entry into the dead letter, keeps the time. */
function finishedAt(job: Pick<JobRecord, 'state' | 'finishedAt'>, to: State, now: Millis): Millis | null {
  if (!isIn(to, Terminal)) return null;
  return isIn(job.state, Terminal) ? job.finishedAt : now;
}

export type Texts = Pick<JobRecord, 'result' | 'history' | 'progress' | 'checkpoint' | 'envelope' | 'policy'>;

/**
 * The texts that a transition replaces; `after` is the result of {@link moved}. A checkpoint ends with its job, unless
 * the job is in the dead letter.
 */
export function textsOf(transition: Transition, after: Pick<JobRecord, 'state' | 'deadLetter'>): Partial<Texts> {
  const { result, history, progress, checkpoint, envelope, policy } = transition;
  const texts: { -readonly [Name in keyof Texts]?: Texts[Name] } = {};
  if (result !== undefined) texts.result = result;
  if (history !== undefined) texts.history = history;
  if (progress !== undefined) texts.progress = progress;
  if (isIn(after.state, Terminal) && !after.deadLetter) texts.checkpoint = null;
  else if (checkpoint !== undefined) texts.checkpoint = checkpoint;
  if (envelope !== undefined) texts.envelope = envelope;
  if (policy !== undefined) texts.policy = policy;
  return texts;
}

const changed: readonly TransitionEvent[] = [{ kind: 'job.state_changed' }];

/** The events of a transition for the log: its own ones, or a change of state if it has none. */
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

/**
 * The terms of a claim. The lease lasts `leaseMs` of the request, else `visibilityMs` of the job, else
 * `defaultLeaseMs`.
 */
export interface ClaimTerms {
  readonly worker: string | null;
  readonly leaseMs: number | null;
  readonly defaultLeaseMs: number;
  readonly leaseRequired: boolean;
}

export function claimed(job: JobRecord, claim: ClaimTerms, now: Millis): JobRecord {
  const leaseMs = claim.leaseMs ?? job.visibilityMs ?? claim.defaultLeaseMs;
  return {
    ...job,
    state: State.active,
    attempt: job.attempt + 1,
    claim: job.claim + 1,
    leaseRequired: claim.leaseRequired,
    expiresAt: job.laterExpiresAt,
    startedAt: now,
    worker: claim.worker,
    leaseMs,
    leaseUntil: now + leaseMs,
    beatAt: null,
    progress: null,
  };
}

/** The end of a lease after a heartbeat: never earlier than before. */
export function extended(job: Pick<JobRecord, 'leaseMs' | 'leaseUntil'>, leaseMs: number | null, now: Millis): Millis {
  return Math.max(job.leaseUntil ?? 0, now + Math.max(leaseMs ?? 0, job.leaseMs ?? 0));
}

export function isExpired(job: Pick<JobRecord, 'expiresAt'>, now: Millis): boolean {
  return job.expiresAt !== null && job.expiresAt <= now;
}

/**
 * The effect of a job's unique policy on the other holders of its key, oldest first (by `createdAt`, then order of
 * creation): the one that refuses the job, or those that the job replaces. Reads only the unfinished holders and, of
 * each finished state, the oldest that was created after `createdAfter`.
 */
export function uniqueAnswer<T extends Pick<JobRecord, 'state' | 'createdAt'>>(
  unique: NewUnique,
  holders: readonly T[],
): { readonly refusedBy: T } | { readonly replaces: readonly T[] } {
  const { states, createdAfter, onConflict } = unique;
  const matching = holders.filter(
    (job) => isIn(job.state, states) && (createdAfter === null || job.createdAt > createdAfter),
  );
  const unfinished = matching.filter((job) => !isIn(job.state, Terminal));
  const refusedBy =
    onConflict === 'keep'
      ? (unfinished[0] ?? matching[0])
      : unfinished.find((job) => onConflict === 'replace_unscheduled' && job.state === State.scheduled);
  return refusedBy === undefined ? { replaces: unfinished } : { refusedBy };
}
