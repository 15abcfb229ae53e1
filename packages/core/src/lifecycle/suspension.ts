import type { StepsMark, StepWait } from '../durable/mark.ts';
import { renderWait, unsuspended, withMark } from '../durable/marks.ts';
import { stepLimits } from '../durable/row.ts';
import { type Failure, readFailure } from '../job/failure.ts';
import { appendHistory, entryText, errorText } from '../job/history.ts';
import type { JobRecord, Json, Transition, TransitionEvent } from '../job/job.ts';
import { State } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { move, policyOf, totalTimedOut } from './decide.ts';
import { allowedAttempts, retryPolicy } from './retry.ts';

/** A try of a step that failed and is made again. */
export interface FailedTry {
  readonly name: string;
  readonly tries: number;
  readonly error: Json;
  readonly until: Millis;
}

/** When a suspended job runs again: at the first end of its waits or of its total timeout, at most ten years away. */
export function wakeOf({ deadlineAt }: Pick<JobRecord, 'deadlineAt'>, waits: readonly StepWait[], now: Millis): Millis {
  const latest = now + stepLimits.waitMs;
  return Math.min(deadlineAt ?? latest, ...waits.map(({ until = latest }) => until));
}

/**
 * The end of an execution that waits in its steps: the attempt does not count. If every wait ends beyond
 * `total_timeout`, the job is discarded at once. Only failed tries write into the history.
 * @param waits all of them, at least one; also those for the next tries.
 */
export function suspended(
  job: JobRecord,
  mark: StepsMark,
  waits: readonly StepWait[],
  tries: readonly FailedTry[],
  now: Millis,
): Transition {
  const { deadlineAt, attempt, claim } = job;
  if (deadlineAt !== null && waits.every(({ until = Number.POSITIVE_INFINITY }) => until > deadlineAt))
    return totalTimedOut(job, now);
  const { history: _, ...moved } = move(job, State.active, State.retryable, '');
  const read = tries.map((one) => ({ ...one, failure: failureIn(one.error) }));
  return {
    ...moved,
    ...(tries.length > 0 && {
      history: read.reduce((text, one) => appendHistory(text, entryOf(job, one, now)), job.history),
    }),
    runAt: wakeOf(job, waits, now),
    attempt: Math.max(0, attempt - 1),
    clearRun: true,
    policy: withMark(job, { ...mark, suspended: { by: claim, waits } }),
    events: tries.length > 0 ? read.flatMap((one) => eventsOf(job, one)) : [waiting(waits)],
  };
}

/** A job with rows came to a worker without durable steps, which would run them again. The history says nothing. */
export function handedBack(job: JobRecord, now: Millis): Transition {
  const { history: _, ...moved } = move(job, State.active, State.retryable, '');
  return {
    ...moved,
    runAt: now + handBackMs,
    attempt: Math.max(0, job.attempt - 1),
    clearRun: true,
    ...unsuspended(job),
    events: [],
  };
}

/** How long such a job waits for a worker that has them. */
const handBackMs: Millis = 5_000;

interface ReadTry extends FailedTry {
  readonly failure: Failure;
}

function failureIn(error: Json): Failure {
  return readFailure(`{"error":${error}}`).failure;
}

function entryOf(job: JobRecord, { name, tries, until, failure }: ReadTry, now: Millis): Json {
  const { attempt, claim, worker, startedAt } = job;
  const of = { kind: 'failed', at: now, attempt, claim, worker, startedAt, retryDelayMs: until - now };
  return entryText({ ...of, step: name, stepAttempt: tries }, errorText(failure, attempt, now));
}

function eventsOf(job: JobRecord, { name, tries, until, failure }: ReadTry): readonly TransitionEvent[] {
  const { code, type, message } = failure;
  const error = { code, type, message, retryable: true };
  const more = { error, step: name, step_attempt: tries };
  const max = allowedAttempts(retryPolicy(policyOf(job).retry));
  const retrying = { attempt: job.attempt, max_attempts: max, next_retry_at: formatTimestamp(until), ...more };
  return [
    { kind: 'job.failed', data: JSON.stringify(more) },
    { kind: 'job.retrying', data: JSON.stringify(retrying) },
  ];
}

function waiting(waits: readonly StepWait[]): TransitionEvent {
  const shown = waits.slice(0, shownWaits).map(renderWait);
  return { kind: 'job.waiting', data: JSON.stringify({ waits: shown }) };
}

/** An event of the log has at most so many. */
const shownWaits = 20;
