/** What a change does to a record: the same pure code for every storage whose transactions run in this process. */

import { type JobRecord, type Millis, State, type StateMask, Terminal, type Transition } from '@ojs-ts/core';
import type { Claim, Inserted } from './storage.ts';

export type Verdict = 'moves' | 'already' | 'refused';

/** Whether a transition fits the job as it is. `already` comes before `refused`, so a repeated call is never told that its own success was a conflict. */
export function verdict(job: Pick<JobRecord, 'state' | 'claim' | 'worker'>, transition: Transition): Verdict {
  const { from, to, claim, worker } = transition;
  const fits = isIn(job.state, from);
  if (!fits && claim !== undefined && claim === job.claim && job.state === to) return 'already';
  if (!fits || (claim !== undefined && claim !== job.claim)) return 'refused';
  return worker !== undefined && job.worker !== null && job.worker !== worker ? 'refused' : 'moves';
}

export function isIn(state: State, mask: StateMask): boolean {
  return (state & mask) !== 0;
}

/** The fields that a transition may change, besides the texts `result` and `history`. */
export type Mutable = Pick<
  JobRecord,
  | 'state'
  | 'priority'
  | 'attempt'
  | 'runAt'
  | 'enqueuedAt'
  | 'startedAt'
  | 'worker'
  | 'leaseMs'
  | 'leaseUntil'
  | 'finishedAt'
  | 'deadLetter'
>;

export function moved<T extends Mutable>(job: T, transition: Transition, now: Millis): T {
  const { to } = transition;
  const stays = to === State.active;
  return {
    ...job,
    state: to,
    priority: transition.priority ?? job.priority,
    attempt: transition.attempt ?? job.attempt,
    runAt: transition.runAt ?? job.runAt,
    enqueuedAt: to === State.available ? now : job.enqueuedAt,
    startedAt: transition.clearRun ? null : job.startedAt,
    worker: transition.clearRun ? null : job.worker,
    leaseMs: stays ? job.leaseMs : null,
    leaseUntil: stays ? job.leaseUntil : null,
    finishedAt: finishedAt(job, to, now),
    deadLetter: to === State.discarded && (transition.deadLetter ?? job.deadLetter),
  };
}

/** A change of a finished job that leaves it finished, such as its entry into the dead letter, keeps the time. */
export function finishedAt(job: Pick<JobRecord, 'state' | 'finishedAt'>, to: State, now: Millis): Millis | null {
  if (!isIn(to, Terminal)) return null;
  return isIn(job.state, Terminal) ? job.finishedAt : now;
}

export function promoted(job: JobRecord, now: Millis): JobRecord {
  return { ...job, state: State.available, enqueuedAt: now };
}

export function claimed(job: JobRecord, claim: Claim, now: Millis): JobRecord {
  const leaseMs = claim.leaseMs ?? job.visibilityMs ?? claim.defaultLeaseMs;
  return {
    ...job,
    state: State.active,
    attempt: job.attempt + 1,
    claim: job.claim + 1,
    startedAt: now,
    worker: claim.worker,
    leaseMs,
    leaseUntil: now + leaseMs,
  };
}

/** The end of a reservation after a heartbeat: never earlier than it was. */
export function extended(job: Pick<JobRecord, 'leaseMs' | 'leaseUntil'>, leaseMs: number | null, now: Millis): Millis {
  return Math.max(job.leaseUntil ?? 0, now + Math.max(leaseMs ?? 0, job.leaseMs ?? 0));
}

export function isExpired(job: Pick<JobRecord, 'expiresAt'>, now: Millis): boolean {
  return job.expiresAt !== null && job.expiresAt <= now;
}

/** When an active job is overdue: its lease or its execution timeout, whichever ends first. */
export function overdueAt(job: Pick<JobRecord, 'leaseUntil' | 'startedAt' | 'timeoutMs'>): Millis | null {
  if (job.leaseUntil === null) return null;
  return job.startedAt === null ? job.leaseUntil : Math.min(job.leaseUntil, job.startedAt + job.timeoutMs);
}

/**
 * What one claim call does besides handing out: its cost must not grow with what is due or expired in front. Upkeep moves the rest meanwhile.
 * An expired job costs about 20 µs, four times a promotion, and nobody waits for it.
 */
export function sideWork(claims: readonly Claim[]): { readonly promoted: number; readonly expired: number } {
  const wanted = claims.reduce((sum, claim) => sum + Math.max(0, claim.limit), 0);
  return { promoted: Math.max(100, wanted), expired: Math.max(10, wanted) };
}

/**
 * What becomes of a group once each of its jobs was looked at: inserted wholly, there already wholly (a repeated call), or refused. A group of which only a
 * part is there is not the call that made it, so that part is `duplicate`.
 */
export function groupVerdict(answers: readonly Inserted[]): readonly Inserted[] {
  const every = (kind: Inserted['kind']) => answers.every((answer) => answer.kind === kind);
  if (every('inserted') || every('already')) return answers;
  return answers.map((answer): Inserted => {
    if (answer.kind === 'already')
      return answers.some(({ kind }) => kind === 'duplicate') ? { kind: 'aborted' } : { kind: 'duplicate', existing: answer.job };
    return answer.kind === 'inserted' ? { kind: 'aborted' } : answer;
  });
}

/** Under what a fetch is remembered: clients may number their requests, so one is its worker's alone. Worker ids have no line breaks. */
export function requestKey(request: string, worker: string | null): string {
  return `${worker ?? ''}\n${request}`;
}
