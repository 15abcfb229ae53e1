import { restarted, unsuspended } from '../durable/marks.ts';
import { ProtocolError } from '../errors.ts';
import type { Failure } from '../job/failure.ts';
import { appendHistory, entryText, errorText, historyOf } from '../job/history.ts';
import type {
  JobError,
  JobId,
  JobPolicy,
  JobRecord,
  Json,
  RetryPolicy,
  Transition,
  TransitionEvent,
} from '../job/job.ts';
import { mayMove, State, type StateMask, stateName, stateNames, Waiting } from '../job/states.ts';
import { elements, isObject, members, objectText } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { type Death, deathReason, deathsOf, defaultPoisonAfter, isPoison } from './poison.ts';
import { allowedAttempts, isNonRetryable, retryDelay, retryPolicy } from './retry.ts';

/**
 * Every decision names the state and the claim of the record that it was made from. If the record has changed since,
 * the storage refuses the decision, and the caller reads and decides again. A decision that the state forbids (ojs-core
 * §6.3) throws a {@link ProtocolError} `conflict`.
 */

/** The error for a change that the state does not allow. */
export function conflict(job: Pick<JobRecord, 'id' | 'state'>, expected: StateMask): ProtocolError {
  const current = stateName(job.state);
  const states = stateNames(expected).join(' or ');
  const details = { job_id: job.id, current_state: current, expected_state: states };
  const isOthers = (job.state & expected) !== 0;
  const message = isOthers
    ? `The job is ${current}, but its lease or its worker is not that of this call.`
    : `The job is ${current}; expected ${states}.`;
  return new ProtocolError('conflict', message, { ...details, ...(isOthers && { reason: 'not_owner' }) });
}

export function policyOf(job: Pick<JobRecord, 'policy'>): JobPolicy {
  return job.policy === null ? {} : JSON.parse(job.policy);
}

export interface Completion {
  readonly id: JobId;
  readonly claim?: number | null;
  readonly worker?: string | null;
  readonly result: Json | null;
}

const completion: readonly TransitionEvent[] = [{ kind: 'job.completed' }];

/** ACK (row 7). */
export function completed({ id, claim = null, worker = null, result }: Completion): Transition {
  const transition = { id, from: State.active, to: State.completed, result, events: completion };
  // Not by spreads of parts, which take five times as long.
  if (claim !== null) return worker === null ? { ...transition, claim } : { ...transition, claim, worker };
  return worker === null ? transition : { ...transition, worker };
}

/** FAIL (ojs-core §7.4; rows 8 and 9 of docs/reference/job-states.md). `random` is uniform in [0, 1). */
export function failed(job: JobRecord, failure: Failure, now: Millis, random: () => number): Transition {
  const ending = endOf(job, failure, now);
  return ending.exhausts() ? ending.discard() : ending.retry(random);
}

/** The code of a nack by a worker that has no handler for the type of the job. */
export const unhandledCode = 'handler_not_found';
/**
 * So long a job waits for a worker with a handler. A deployment that brings one takes minutes, a mistake is for ever.
 */
const unhandledMs: Millis = 86_400_000;
/** A new worker with a handler gets the job within this time. */
const longestRefusalMs: Millis = 60_000;

/**
 * A worker has no handler for the type of the job. Another one may have, so no attempt counts: the job waits, longer
 * each time, and its error says how often it was refused and since when. After {@link unhandledMs} it is discarded to
 * the dead letter; at once if its retry policy names the code in `non_retryable_errors`.
 */
export function unhandled(job: JobRecord, failure: Failure, delayMs: number, now: Millis): Transition {
  const entries = historyOf(job);
  const last = entries.at(-1);
  const before = last?.kind === 'failed' && last.error.code === unhandledCode ? refusalsIn(last.error) : null;
  const [since, refusals] = [before?.since ?? now, 1 + (before?.refusals ?? 0)];
  const details = JSON.stringify({ refusals, since: formatTimestamp(since) });
  // One entry for all of them: else they would push the errors of real attempts out of the history.
  const texts = before === null ? [] : elements(`[${job.history}]`).slice(0, -1);
  const base = before === null ? job : { ...job, history: texts.join(',') };
  const ending = endOf(base, { ...failure, details }, now);
  if (now - since >= unhandledMs || isNonRetryable(retryPolicy(policyOf(job).retry), failure.names))
    return { ...ending.discard(), deadLetter: true };
  const again = ending.wait(Math.max(delayMs, Math.min(longestRefusalMs, Math.round((now - since) / 10))));
  return before === null ? again : { ...again, events: [] };
}

function refusalsIn({ details }: JobError): { readonly since: Millis; readonly refusals: number } | null {
  if (!isObject(details) || typeof details.since !== 'string' || typeof details.refusals !== 'number') return null;
  return { since: Date.parse(details.since), refusals: details.refusals };
}

/**
 * A returned claim whose attempt does not count (row 10). `by` is the server for a claim whose worker never got the
 * job. With a delay the job is snoozed: retryable until the delay has passed (ojs-sdk-guidelines SDK-013).
 */
export function requeued(
  job: JobRecord,
  reason: string,
  now: Millis,
  by: 'worker' | 'server' = 'worker',
  delayMs = 0,
  more: { readonly beside?: number } = {},
): Transition {
  const { attempt, claim, worker } = job;
  const entry = {
    kind: 'requeued',
    at: now,
    attempt,
    claim,
    worker,
    reason,
    ...(by === 'server' ? { by } : {}),
    ...(delayMs > 0 ? { delayMs } : {}),
    ...more,
  };
  return {
    ...move(job, State.active, delayMs > 0 ? State.retryable : State.available, entryText(entry)),
    runAt: now + delayMs,
    attempt: Math.max(0, attempt - 1),
    clearRun: true,
    ...(delayMs > 0 && unsuspended(job)),
    events: [],
  };
}

const lossMessages = {
  visibility_timeout: 'The lease ended before the worker answered.',
  worker_death: 'The worker stopped sending heartbeats.',
} as const;

/**
 * The lease ended or the worker died (rows 12 and 13 of docs/reference/job-states.md): available at once while attempts
 * are left. If the process held other jobs, the one that killed it is unknown: then the execution does not count. A job
 * that died alone as often as {@link isPoison} says is discarded to the dead letter, whatever its policy allows: it
 * would kill the next worker too.
 */
export function leaseLost(
  job: JobRecord,
  cause: keyof typeof lossMessages,
  now: Millis,
  poisonAfter = defaultPoisonAfter,
  death: Death = { beside: 0 },
): Transition {
  if (cause === 'worker_death' && death.beside > 0)
    return unlessExtended(requeued(job, deathReason, now, 'server', 0, { beside: death.beside }), job);
  const failure: Failure = { code: cause, type: cause, message: lossMessages[cause], names: [cause] };
  const ended = cause === 'visibility_timeout' ? failure : { ...failure, details: detailsOf(job, death) };
  const deaths = deathsOf(job);
  if (cause === 'worker_death' && isPoison(deaths, poisonAfter)) {
    const message =
      `${deaths.all + 1} workers died while they ran this job, ` +
      `${deaths.alone + 1} of them with no other job; ` +
      `the last one was ${placeName(job, death)}; the job was discarded.`;
    const poison = endOf(job, { ...ended, code: 'poison_pill', message }, now, 'server');
    return unlessExtended({ ...poison.discard(), deadLetter: true }, job);
  }
  const ending = endOf(job, ended, now, 'server');
  return unlessExtended(ending.exhausts() ? ending.discard() : ending.release(), job);
}

/** Returns the details of a death that its message does not have. */
function detailsOf(job: JobRecord, { hostname, pid }: Death): Json {
  const { alone, all } = deathsOf(job);
  const { worker } = job;
  return JSON.stringify({ deaths: all + 1, deaths_alone: alone + 1, worker, hostname, pid });
}

function placeName({ worker }: JobRecord, { hostname, pid }: Death): string {
  const on = hostname === undefined || pid === undefined ? '' : ` (process ${pid} on ${hostname})`;
  return `worker ${worker ?? 'without an id'}${on}`;
}

/** Two heartbeats do not list the claim: the answer to its fetch was lost (ojs-worker-protocol §10). */
export function forgotten(job: JobRecord, now: Millis): Transition {
  return unlessExtended(requeued(job, 'lost_answer', now, 'server'), job);
}

/** A heartbeat may arrive between the decision and its effect: a lease that was extended is not taken away. */
function unlessExtended(transition: Transition, { leaseUntil }: JobRecord): Transition {
  return leaseUntil === null ? transition : { ...transition, leaseUntil };
}

/** The execution timed out (row 14, ojs-timeouts §5.1, §8). */
export function timedOut(job: JobRecord, now: Millis, random: () => number): Transition {
  const limit = executionLimit(job, policyOf(job));
  const limits = timeoutDetails('execution', limit, now - (job.startedAt ?? now));
  const failure: Failure = {
    code: 'timeout',
    type: 'timeout',
    message: `The execution did not end within ${limit / 1000} s.`,
    details: JSON.stringify(limits),
    names: ['timeout'],
  };
  const ending = endOf(job, failure, now, 'server', [{ kind: 'job.timeout', data: JSON.stringify(limits) }]);
  return ending.exhausts() ? ending.discard() : ending.retry(random);
}

/** No heartbeat listed the job for its `heartbeat_timeout`, after an earlier one had (row 14, ojs-timeouts §5.5). */
export function stalled(job: JobRecord, now: Millis, random: () => number): Transition {
  const limits = timeoutDetails('stalled', job.heartbeatMs, now - (job.beatAt ?? now));
  const failure: Failure = {
    code: 'stalled',
    type: 'stalled',
    message: `No heartbeat named the job for ${job.heartbeatMs / 1000} s.`,
    details: JSON.stringify(limits),
    names: ['stalled'],
  };
  const ending = endOf(job, failure, now, 'server', [{ kind: 'job.stalled', data: JSON.stringify(limits) }]);
  return unlessExtended(ending.exhausts() ? ending.discard() : ending.retry(random), job);
}

/** `total_timeout` has passed during an execution: it ends the job, whatever attempts are left (ojs-timeouts §5.2). */
export function totalTimedOut(job: JobRecord, now: Millis): Transition {
  const total = (job.deadlineAt ?? now) - job.createdAt;
  const limits = timeoutDetails('total', total, now - job.createdAt);
  const message = `The job did not end within total_timeout, ${total / 1000} s after it was created.`;
  const failure: Failure = {
    code: 'total_timeout',
    type: 'total_timeout',
    message,
    details: JSON.stringify(limits),
    names: ['total_timeout'],
  };
  return endOf(job, failure, now, 'server', [{ kind: 'job.total_timeout', data: JSON.stringify(limits) }]).discard();
}

/** `expires_at`, `enqueue_ttl` or `total_timeout` passed while the job waited (row 17, row 18). */
export function expired(job: JobRecord, now: Millis): Transition {
  const end = job.expiresAt ?? now;
  const { failure, events } = expiry(job, end, now);
  const entry = entryText({ kind: 'expired', at: now }, errorText(failure, job.attempt, now));
  const data = {
    created_at: formatTimestamp(job.createdAt),
    expired_at: formatTimestamp(end),
    ttl_ms: end - job.createdAt,
  };
  return {
    ...move(job, Waiting, State.discarded, entry),
    events: [...events, { kind: 'job.expired', data: JSON.stringify(data) }],
  };
}

function expiry(
  job: JobRecord,
  end: Millis,
  now: Millis,
): { readonly failure: Failure; readonly events: readonly TransitionEvent[] } {
  const ttl = policyOf(job).enqueueTtlMs;
  if (end === job.deadlineAt) {
    const total = end - job.createdAt;
    const details = JSON.stringify(timeoutDetails('total', total, now - job.createdAt));
    const message = `The job did not end within total_timeout, ${total / 1000} s after it was created.`;
    const failure = { code: 'total_timeout', type: 'total_timeout', message, details, names: [] };
    return { failure, events: [{ kind: 'job.total_timeout', data: details }] };
  }
  if (ttl !== undefined && job.createdAt + ttl === end) {
    const details = JSON.stringify(timeoutDetails('enqueue_ttl', ttl, now - job.createdAt));
    const message = `The job was not started within ${ttl / 1000} s.`;
    const failure = { code: 'enqueue_ttl_expired', type: 'enqueue_ttl_expired', message, details, names: [] };
    return { failure, events: [{ kind: 'job.ttl_expired', data: details }] };
  }
  return {
    failure: { code: 'expired', type: 'expired', message: 'The job was not started before expires_at.', names: [] },
    events: [],
  };
}

/**
 * A job that exists only to show its refusal: a user's transaction committed it, and no caller can get an answer any
 * more. Made from a pending job.
 */
export function refusedImport(job: JobRecord, failure: Failure, now: Millis): Transition {
  const { code, type, message } = failure;
  const entry = entryText({ kind: 'expired', at: now }, errorText(failure, job.attempt, now));
  const data = JSON.stringify({ total_attempts: 0, last_error: { code, type, message } });
  return { ...move(job, State.pending, State.discarded, entry), events: [{ kind: 'job.discarded', data }] };
}

/** CANCEL (rows 11 and 16). `key` is the idempotency key of the call. */
export function cancelled(job: JobRecord, now: Millis, key?: string): Transition {
  return {
    ...move(job, Waiting | State.active, State.cancelled, actionText('cancelled', job, now, key)),
    events: [{ kind: 'job.cancelled' }],
  };
}

/**
 * Discarded by an operator (ojs-sdk-guidelines SDK-004), whatever its policy allows: the job does not run again, and
 * the outcome of a current execution is refused.
 */
export function discarded(job: JobRecord, now: Millis, key?: string): Transition {
  const failure = { code: 'discarded', type: 'discarded', message: 'The job was discarded by hand.' };
  const entry = entryText(
    { kind: 'discarded', at: now, from: job.state, ...(key === undefined ? {} : { key }) },
    errorText({ ...failure, names: [] }, job.attempt, now),
  );
  const data = JSON.stringify({ total_attempts: job.attempt, last_error: failure });
  return { ...move(job, Waiting | State.active, State.discarded, entry), events: [{ kind: 'job.discarded', data }] };
}

/** ACTIVATE (row 5): to available, or to scheduled for a future time. */
export function activated(job: JobRecord, now: Millis, key?: string): Transition {
  const entry = actionText('activated', job, now, key);
  if (job.runAt <= now)
    return { ...move(job, State.pending, State.available, entry), runAt: now, events: [{ kind: 'job.enqueued' }] };
  const data = JSON.stringify({ scheduled_at: formatTimestamp(job.runAt) });
  return {
    ...move(job, State.pending, State.scheduled, entry),
    runAt: job.runAt,
    events: [{ kind: 'job.scheduled', data }],
  };
}

/** An operator ends the wait of a scheduled job, or the backoff of a retryable one (rows 4 and 12). */
export function promotedByHand(job: JobRecord, now: Millis, key?: string): Transition {
  return {
    ...move(job, State.scheduled | State.retryable, State.available, actionText('promoted', job, now, key)),
    runAt: now,
    events: job.state === State.scheduled ? [{ kind: 'job.enqueued' }] : [],
  };
}

/** A manual retry from the dead letter (row 19): a new round of attempts; the history stays. */
export function retried(job: JobRecord, now: Millis, key?: string): Transition {
  return {
    ...move(job, State.discarded, State.available, actionText('retried', job, now, key)),
    runAt: now,
    attempt: 0,
    clearRun: true,
    deadLetter: false,
    ...restarted(job),
    events: [{ kind: 'job.enqueued' }],
  };
}

/** Returns the limit of a job that has passed; of several the one that passed first. Null if none has. */
export function overdueCause(
  job: JobRecord,
  now: Millis,
): 'total' | 'timeout' | 'lease' | 'stalled' | 'expired' | null {
  if (job.state === State.active) {
    const never = Number.POSITIVE_INFINITY;
    const timeoutAt = job.startedAt === null ? never : job.startedAt + job.timeoutMs;
    const deadlineAt = job.deadlineAt ?? never;
    const stalledAt = job.beatAt === null ? never : job.beatAt + job.heartbeatMs;
    const leaseUntil = job.leaseUntil ?? never;
    const first = Math.min(timeoutAt, deadlineAt, stalledAt, leaseUntil);
    if (first > now) return null;
    if (first === deadlineAt) return 'total';
    if (first === timeoutAt) return 'timeout';
    return first === leaseUntil ? 'lease' : 'stalled';
  }
  return (job.state & Waiting) !== 0 && job.expiresAt !== null && job.expiresAt <= now ? 'expired' : null;
}

/**
 * The end of a job that a storage reports as overdue; null if it is not. A lease that ended because its worker was
 * silent counts as the death of the worker: heartbeats extend leases, so both end at the same time.
 */
export function overdue(
  job: JobRecord,
  now: Millis,
  random: () => number,
  death: Death | null = null,
  poisonAfter = defaultPoisonAfter,
): Transition | null {
  const cause = overdueCause(job, now);
  if (cause === null) return null;
  if (cause === 'total') return totalTimedOut(job, now);
  if (cause === 'timeout') return timedOut(job, now, random);
  if (cause === 'expired') return expired(job, now);
  if (death !== null) return leaseLost(job, 'worker_death', now, poisonAfter, death);
  return cause === 'lease' ? leaseLost(job, 'visibility_timeout', now) : stalled(job, now, random);
}

/**
 * `replace_except_schedule` on a scheduled job (ojs-unique-jobs §4): the job gets the args and meta of the new one, and
 * keeps its id and its time. Core has made both envelopes, so both have args and meta.
 */
export function updatedInPlace(existing: JobRecord, pushed: Pick<JobRecord, 'envelope'>): Transition {
  const fresh = members(pushed.envelope);
  const envelope = new Map(members(existing.envelope));
  for (const name of ['args', 'meta']) envelope.set(name, fresh.get(name) ?? 'null');
  return {
    id: existing.id,
    from: State.scheduled,
    claim: existing.claim,
    to: State.scheduled,
    envelope: objectText(envelope),
    events: [],
  };
}

export function move(job: JobRecord, expected: StateMask, to: State, entry: Json): Omit<Transition, 'events'> {
  if ((job.state & expected) === 0 || !mayMove(job.state, to)) throw conflict(job, expected);
  return { id: job.id, from: job.state, claim: job.claim, to, history: appendHistory(job.history, entry) };
}

function actionText(
  kind: 'activated' | 'cancelled' | 'promoted' | 'retried',
  job: JobRecord,
  now: Millis,
  key: string | undefined,
): Json {
  return entryText({ kind, at: now, from: job.state, ...(key === undefined ? {} : { key }) });
}

/** The client's timeout, without the grace period of the server. */
function executionLimit(job: JobRecord, policy: JobPolicy): number {
  return job.timeoutMs - (policy.gracePeriodMs ?? 0);
}

function timeoutDetails(kind: 'execution' | 'enqueue_ttl' | 'total' | 'stalled', limitMs: number, elapsedMs: number) {
  return { timeout_kind: kind, limit_seconds: limitMs / 1000, elapsed_seconds: elapsedMs / 1000 };
}

/** The possible consequences of an execution that ended with this failure. */
interface Ending {
  /** True if the policy or the handler rules out another attempt. */
  exhausts(): boolean;
  discard(): Transition;
  /** After the backoff; discards if `total_timeout` leaves no time for another attempt (ojs-timeouts §9.1). */
  retry(random: () => number): Transition;
  /** At once, in a new place of the queue. */
  release(): Transition;
  /** After the delay; the attempt does not count. */
  wait(delayMs: number): Transition;
}

function endOf(
  job: JobRecord,
  failure: Failure,
  now: Millis,
  by?: 'server',
  first: readonly TransitionEvent[] = [],
): Ending {
  const policy = policyOf(job);
  const retry = retryPolicy(policy.retry);
  const { attempt, claim, worker, startedAt } = job;
  const past = policy.steps?.past ?? 0;
  const final = failure.retryable === false || isNonRetryable(retry, failure.names);
  const error = {
    code: failure.code,
    type: failure.type,
    message: failure.message,
    retryable: failure.retryable !== false && !final,
  };
  const events: readonly TransitionEvent[] = [...first, { kind: 'job.failed', data: JSON.stringify({ error }) }];

  const entry = (retryDelayMs?: number): Json =>
    entryText(
      {
        kind: 'failed',
        at: now,
        attempt,
        claim,
        worker,
        startedAt,
        ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
        ...(by ? { by } : {}),
      },
      errorText(failure, attempt, now),
    );
  const retrying = (runAt: Millis): TransitionEvent => {
    const data = { attempt, max_attempts: allowedAttempts(retry), next_retry_at: formatTimestamp(runAt), error };
    return { kind: 'job.retrying', data: JSON.stringify(data) };
  };
  const discarded = (lastError: {
    readonly code: string;
    readonly type: string;
    readonly message: string;
  }): TransitionEvent => ({
    kind: 'job.discarded',
    data: JSON.stringify({
      total_attempts: attempt,
      last_error: { code: lastError.code, type: lastError.type, message: lastError.message },
    }),
  });

  return {
    exhausts: () => isTerminal(failure) || final || attempt - past >= allowedAttempts(retry),
    discard: () => ({
      ...move(job, State.active, State.discarded, entry()),
      deadLetter: toDeadLetter(failure, retry),
      events: [...events, discarded(failure)],
    }),
    release: () => ({
      ...move(job, State.active, State.available, entry()),
      runAt: now,
      clearRun: true,
      events: [...events, retrying(now)],
    }),
    wait: (delayMs) => ({
      ...move(job, State.active, State.retryable, entry(delayMs)),
      runAt: now + delayMs,
      attempt: Math.max(0, attempt - 1),
      clearRun: true,
      ...unsuspended(job),
      events,
    }),
    retry(random) {
      const delay = retryDelay(retry, Math.max(1, attempt - past), random);
      const runAt = now + delay;
      const total = policy.totalTimeoutMs;
      // If the timeout is as long as the total, that formula never allows a second attempt: then the attempt only has
      // to start in time.
      const limit = executionLimit(job, policy);
      const needed = total !== undefined && limit < total ? limit : 0;
      if (total === undefined || job.createdAt + total >= runAt + needed) {
        return {
          ...move(job, State.active, State.retryable, entry(delay)),
          runAt,
          ...unsuspended(job),
          events: [...events, retrying(runAt)],
        };
      }
      const late: Failure = {
        code: 'total_timeout',
        type: 'total_timeout',
        message: `Another attempt would not end within total_timeout, ${total / 1000} s after the job was created.`,
        details: JSON.stringify(timeoutDetails('total', total, now - job.createdAt)),
        names: [],
      };
      const moved = move(job, State.active, State.discarded, entry());
      const history = appendHistory(
        moved.history ?? '',
        entryText({ kind: 'expired', at: now }, errorText(late, attempt, now)),
      );
      return { ...moved, history, deadLetter: toDeadLetter(failure, retry), events: [...events, discarded(late)] };
    },
  };
}

function isTerminal({ response }: Failure): boolean {
  return response === 'DISCARD' || response === 'FAIL' || response === 'DEAD_LETTER';
}

/** A response of the handler overrides `on_exhaustion` (ojs-retry RET-08). */
function toDeadLetter({ response }: Failure, retry: RetryPolicy): boolean {
  if (response === 'DISCARD' || response === 'FAIL') return false;
  return response === 'DEAD_LETTER' || retry.onExhaustion === 'dead_letter';
}
