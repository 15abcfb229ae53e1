import {
  isIn,
  isObject,
  isState,
  type JobRecord,
  lastError,
  members,
  parseDuration,
  parseTimestamp,
  State,
  type StateMask,
} from '@ojs-ts/core';
import { listOf, numberOf, textOf, type Wire, wireOf } from '../../json.ts';

/**
 * Whether a job fits, by the rules of the server's filters. `since` and `until` are of the creation, or of the end of a
 * dead letter.
 */
export type Fits = (job: JobRecord) => boolean;

/** What a client asks for of jobs. @param fallback the states where the filter names none. */
export function jobFilter(raw: Wire, fallback: StateMask): Fits {
  const states = statesOf(raw.state ?? raw.states) || fallback;
  const priority = numberOf(raw.priority);
  const meta = wireOf(raw.meta) ?? {};
  const created = spanOf(raw.since, raw.until);
  const enqueued = spanOf(raw.enqueued_after, raw.enqueued_before);
  const isSubject = subjectOf(raw);
  return (job) =>
    isIn(job.state, states) &&
    isSubject(job) &&
    (priority === undefined || job.priority === priority) &&
    created(job.createdAt) &&
    enqueued(job.enqueuedAt ?? job.createdAt) &&
    hasMeta(job, meta);
}

/** What a client asks for of the dead letter. */
export function deadLetterFilter(raw: Wire, now: number): Fits {
  const ended = spanOf(raw.since, raw.until);
  const age = textOf(raw.older_than);
  const back = age === undefined ? null : parseDuration(age);
  const old = spanOf(undefined, back === null ? age : new Date(now - back).toISOString());
  const isSubject = subjectOf(raw);
  const all = raw.include === 'discarded';
  return (job) =>
    (all ? job.state === State.discarded : job.deadLetter) &&
    isSubject(job) &&
    ended(job.finishedAt) &&
    old(job.finishedAt);
}

function subjectOf(raw: Wire): Fits {
  const [queue, type, errorType, args] = [raw.queue, raw.type ?? raw.job_type, raw.error_type, raw.args].map(
    (value) => textOf(value) || undefined,
  );
  return (job) => {
    const error = lastError(job);
    return (
      (queue === undefined || job.queue === queue) &&
      (type === undefined || (type.endsWith('*') ? job.type.startsWith(type.slice(0, -1)) : job.type === type)) &&
      (errorType === undefined || (error !== null && [error.type, error.code].includes(errorType))) &&
      (args === undefined || (members(job.envelope).get('args') ?? 'null').includes(args))
    );
  };
}

function statesOf(value: unknown): StateMask {
  const names: readonly unknown[] = typeof value === 'string' ? value.split(',') : listOf(value);
  return names.reduce<StateMask>((mask, name) => (isState(name) ? mask | State[name] : mask), 0);
}

/** From the first time to before the second, in RFC 3339. */
function spanOf(from: unknown, before: unknown): (at: number | null) => boolean {
  const [start, end] = [from, before].map((text) =>
    typeof text === 'string' && text !== '' ? parseTimestamp(text) : null,
  );
  return (at) =>
    (start == null && end == null) || (at !== null && (start == null || at >= start) && (end == null || at < end));
}

function hasMeta(job: JobRecord, wanted: Wire): boolean {
  const meta: unknown = JSON.parse(members(job.envelope).get('meta') ?? '{}');
  const has = isObject(meta) ? meta : {};
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(has, key) && JSON.stringify(has[key]) === JSON.stringify(value),
  );
}
