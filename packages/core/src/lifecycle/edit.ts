import { fixedArgs, markOf, withMark } from '../durable/marks.ts';
import { managedNames } from '../envelope/attributes.ts';
import { readEnvelope } from '../envelope/envelope.ts';
import { ProtocolError } from '../errors.ts';
import { appendHistory, entryText } from '../job/history.ts';
import type { JobRecord, Json, NewJob, Transition, TransitionEvent } from '../job/job.ts';
import { State, type StateName, stateName, Waiting } from '../job/states.ts';
import { members, objectText } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp, readTime } from '../time/timestamp.ts';
import { isIn, promotionEvent } from './change.ts';
import { policyOf } from './decide.ts';
import { changedRequest, type JobChanges } from './job-changes.ts';
import type { RerunTimes } from './linked-job.ts';

/** The changes of an operator to a waiting job. */
export interface JobEdit {
  readonly changes: JobChanges;
  /** The state that the operator saw: a job that differs is refused. */
  readonly ifMatch?: {
    readonly state?: StateName | undefined;
    readonly attempt?: number | undefined;
    readonly priority?: number | undefined;
  };
}

/** Members of an envelope that an edit may change. */
const edited = ['args', 'meta', 'retry', 'tags', 'timeout', 'scheduled_at'] as const;
/** Members that only the server writes; the maximum of attempts follows from the retry policy. */
const kept = managedNames.filter((name) => name !== 'max_attempts');

/**
 * The change of a waiting job by hand; null if the job is so already. The changes are checked as those of an enqueue.
 *
 * Times: a scheduled or retryable job whose time is past becomes available, a pending one waits for its activation. An
 * available job cannot be put off, because ojs-core §6.3 has no way back. The queue and the unique key stay: others
 * count by them.
 * @param key the idempotency key of the call.
 * @throws ProtocolError `conflict` for a job that runs or has ended, that differs from `ifMatch`, or that would get
 * another unique key or a later start than now while it is available; `unsupported` for another queue; what
 * `readEnvelope` throws for wrong changes.
 */
export function editOf(job: JobRecord, edit: JobEdit, times: RerunTimes, key?: string): Transition | null {
  if (!isIn(job.state, Waiting)) throw notWaiting(job);
  checkMatch(job, edit);
  const { now } = times;
  const at = timeOf(edit.changes, times);
  const isTimed = isIn(job.state, State.scheduled | State.pending);
  const changed = readChanged(job, edit.changes, isTimed ? at : null, now);
  if ((changed.unique?.key ?? null) !== job.uniqueKey) throw otherKey(job);
  if (job.state === State.available && at !== null && at > now) throw notPutOff(job);

  const to = at === null || at > now || isIn(job.state, State.pending | State.available) ? job.state : State.available;
  const runAt = at === null || job.state === State.available ? job.runAt : Math.max(at, now);
  const [before, after] = [members(job.envelope), members(changed.envelope)];
  const mark = markOf(job);
  if (mark !== null && before.get('args') !== after.get('args')) throw fixedArgs(job);
  const policy = changed.policy ?? (job.policy === null ? null : '{}');
  const rewritten = edited.filter((name) => before.get(name) !== after.get(name));
  const names = [
    ...rewritten.filter((name) => name !== 'timeout' && name !== 'scheduled_at'),
    ...(changed.priority === job.priority ? [] : ['priority']),
    ...(changed.timeoutMs === job.timeoutMs ? [] : ['timeout']),
    ...(runAt === job.runAt ? [] : ['scheduled_at']),
  ];
  if (names.length === 0 && to === job.state) return null;
  const isRewritten = rewritten.length > 0 || changed.timeoutMs !== job.timeoutMs;
  const entry = entryText({
    kind: 'edited',
    at: now,
    from: job.state,
    changed: names,
    ...(key !== undefined && { key }),
  });
  return {
    id: job.id,
    from: job.state,
    claim: job.claim,
    to,
    runAt,
    ...(changed.priority !== job.priority && { priority: changed.priority }),
    ...(changed.timeoutMs !== job.timeoutMs && { timeoutMs: changed.timeoutMs }),
    ...(isRewritten && {
      envelope: changed.envelope,
      envelopeWas: job.envelope,
      ...(policy !== null && { policy: mark === null ? policy : withMark({ policy }, mark) }),
    }),
    history: appendHistory(job.history, entry),
    events: eventsOf(job, to, runAt, names),
  };
}

/** A promotion alone has the event of a promotion; every other edit has its own. */
function eventsOf(job: JobRecord, to: State, runAt: Millis, names: readonly string[]): readonly TransitionEvent[] {
  const moves = to !== job.state;
  const isPromotion = moves && names.every((name) => name === 'scheduled_at');
  const starts = names.includes('scheduled_at') && { scheduled_at: formatTimestamp(runAt) };
  return [
    ...(isPromotion ? [] : [{ kind: 'job.updated', data: JSON.stringify({ changed: names, ...starts }) } as const]),
    ...(moves ? [{ kind: promotionEvent(job.state) }] : []),
  ];
}

/**
 * The moment of a new start, in milliseconds; null without one, and for a text that the reader of envelopes refuses.
 */
function timeOf({ scheduled_at, delay_until }: JobChanges, { now, latest = now }: RerunTimes): Millis | null {
  const text = delay_until ?? scheduled_at;
  const sent: unknown = text === undefined ? null : JSON.parse(text);
  if (sent === 'now') return now;
  return typeof sent === 'string' ? readTime(sent, latest) : null;
}

/** The job as it would be with these changes, if it were enqueued now. Moments in place of relative times. */
function readChanged(job: JobRecord, changes: JobChanges, start: Millis | null, now: Millis): NewJob {
  const { scheduled_at, delay_until, ...others } = changes;
  const isRead = timeOf(changes, { now }) !== null;
  const request = changedRequest(job, isRead ? others : changes);
  const sent = members(job.envelope);
  for (const [name, at] of Object.entries(policyOf(job).resolved ?? {}))
    if (request.get(name) === sent.get(name)) request.set(name, timeText(at));
  if (start !== null) request.set('scheduled_at', timeText(Math.max(start, now)));
  const lastMembers = kept.flatMap((name) => {
    const text = sent.get(name);
    return text === undefined ? [] : [`,${JSON.stringify(name)}:${text}`];
  });
  return readEnvelope(objectText(request), now, () => job.id, { lastMembers: lastMembers.join('') }).job;
}

function timeText(at: Millis): Json {
  return `"${formatTimestamp(at)}"`;
}

function checkMatch(job: JobRecord, { ifMatch = {} }: JobEdit): void {
  const is = { state: stateName(job.state), attempt: job.attempt, priority: job.priority };
  for (const name of ['state', 'attempt', 'priority'] as const) {
    const seen = ifMatch[name];
    if (seen === undefined || seen === is[name]) continue;
    const message = `The ${name} of the job is ${is[name]}, not ${seen}; nothing was changed.`;
    throw new ProtocolError(
      'conflict',
      message,
      { ...detailsOf(job), reason: 'changed', current: is },
      'Read the job again.',
    );
  }
}

function notWaiting(job: JobRecord): ProtocolError {
  const message = `The job is ${stateName(job.state)}; only a job that waits can be changed.`;
  const hint =
    job.state === State.active
      ? 'Cancel the job, then run it again with the changes: ojs jobs rerun ID, or POST /ojs/v1/admin/jobs/:id/rerun.'
      : 'Run it again as a new job, with the changes: ojs jobs rerun ID, or POST /ojs/v1/admin/jobs/:id/rerun.';
  const details = { ...detailsOf(job), expected_state: 'scheduled or available or pending or retryable' };
  return new ProtocolError('conflict', message, details, hint);
}

const instead =
  'Cancel the job, then run it again with the changes: ojs jobs rerun ID, or POST /ojs/v1/admin/jobs/:id/rerun.';

function otherKey(job: JobRecord): ProtocolError {
  const message = 'The change would give the job another unique key, under which others may wait; nothing was changed.';
  return new ProtocolError('conflict', message, { ...detailsOf(job), reason: 'unique_key' }, instead);
}

function notPutOff(job: JobRecord): ProtocolError {
  const message = 'The job is available; it cannot be scheduled again (ojs-core §6.3), and nothing was changed.';
  return new ProtocolError(
    'conflict',
    message,
    { ...detailsOf(job), reason: 'available', expected_state: 'scheduled or retryable or pending' },
    instead,
  );
}

function detailsOf({ id, state }: JobRecord) {
  return { job_id: id, current_state: stateName(state) };
}
