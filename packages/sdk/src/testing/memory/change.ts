/** What a change does to a job. The same as on the server, held to it by the parity tests. */
import { type JobRecord, type Millis, type NewUnique, State, type StateMask, Terminal, type Transition } from '@ojs-ts/core';

export function isIn(state: State, mask: StateMask): boolean {
  return (state & mask) !== 0;
}

export function isEnded({ state }: Pick<JobRecord, 'state'>): boolean {
  return isIn(state, Terminal);
}

/** The job after a transition that was decided from it. */
export function moved(job: JobRecord, transition: Transition, now: Millis): JobRecord {
  const { to, result, history, progress, checkpoint, envelope } = transition;
  const stays = to === State.active;
  const deadLetter = to === State.discarded && (transition.deadLetter ?? job.deadLetter);
  const ends = isIn(to, Terminal);
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
    beatAt: stays ? (transition.beat ? now : job.beatAt) : null,
    finishedAt: ends ? (isEnded(job) ? job.finishedAt : now) : null,
    deadLetter,
    result: result === undefined ? job.result : result,
    history: history ?? job.history,
    progress: progress === undefined ? job.progress : progress,
    checkpoint: ends && !deadLetter ? null : checkpoint === undefined ? job.checkpoint : checkpoint,
    envelope: envelope ?? job.envelope,
  };
}

/** The job in the hands of a worker. Nobody else takes it away, so the lease has no end that counts. */
export function claimed(job: JobRecord, worker: string, now: Millis): JobRecord {
  const leaseMs = job.visibilityMs ?? 1_800_000;
  return {
    ...job,
    state: State.active,
    attempt: job.attempt + 1,
    claim: job.claim + 1,
    expiresAt: job.laterExpiresAt,
    startedAt: now,
    worker,
    leaseMs,
    leaseUntil: now + leaseMs,
    beatAt: null,
    progress: null,
  };
}

/** What a unique policy makes of the other holders of its key, oldest first (ojs-unique-jobs §4): the one that refuses the job, or those that it replaces. */
export function uniqueAnswer(
  { states, createdAfter, onConflict }: NewUnique,
  holders: readonly JobRecord[],
): { readonly refusedBy: JobRecord } | { readonly replaces: readonly JobRecord[] } {
  const matching = holders.filter((job) => isIn(job.state, states) && (createdAfter === null || job.createdAt > createdAfter));
  const unfinished = matching.filter((job) => !isEnded(job));
  const refusedBy =
    onConflict === 'keep'
      ? (unfinished[0] ?? matching[0])
      : unfinished.find((job) => onConflict === 'replace_unscheduled' && job.state === State.scheduled);
  return refusedBy === undefined ? { replaces: unfinished } : { refusedBy };
}
