import { Bulk } from '../bulk/bulk.ts';
import { ProtocolError } from '../errors.ts';
import { isFingerprint } from '../job/error-fingerprint.ts';
import type { JobFilter, Span } from '../job/selection.ts';
import { isState, State, type StateMask } from '../job/states.ts';
import { didYouMean } from '../suggestion.ts';
import { parseDuration } from '../time/duration.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import type { Fields } from './fields.ts';
import { commaSeparated } from './pages.ts';

const maxText = 1_000;
const stateWords = Object.keys(State);

type Subject = Pick<JobFilter, 'queue' | 'type' | 'fingerprint' | 'errorType' | 'args'>;

/**
 * The members of every filter: a queue, a type or `prefix*`, the last error by type or fingerprint, a part of the args.
 * An empty text counts as absent, as in a query.
 */
export function readSubject(fields: Fields): Subject {
  const text = (name: string) => (fields.raw(name) === '' ? null : fields.string(name, maxText));
  const queue = text('queue');
  const jobType = text('job_type');
  const type = text('type') ?? jobType;
  if (jobType !== null && jobType !== type)
    fields.issue('job_type', 'must not differ from type; send only one of them');
  const errorType = text('error_type');
  const args = text('args');
  const fingerprint = text('fingerprint');
  if (fingerprint !== null && !isFingerprint(fingerprint))
    fields.issue('fingerprint', 'must be the fingerprint of an error: 16 digits out of 0-9 and a-f');
  return {
    ...(queue !== null && { queue }),
    ...(type !== null && { type }),
    ...(fingerprint !== null && { fingerprint }),
    ...(errorType !== null && { errorType }),
    ...(args !== null && { args }),
  };
}

const subjectNames = [
  ['queue', 'queue'],
  ['type', 'type'],
  ['fingerprint', 'fingerprint'],
  ['errorType', 'error_type'],
  ['args', 'args'],
] as const;

/** Reads a request with members beside its `filter`: a member in both places must have the same value. */
export function readSubjects(fields: Fields, filter: Fields): Subject {
  const [beside, within] = [readSubject(fields), readSubject(filter)];
  for (const [key, name] of subjectNames) {
    if (beside[key] === undefined || within[key] === undefined || beside[key] === within[key]) continue;
    filter.issue(name, `must not differ from $.${name}, the member beside filter; send only one of them`);
  }
  return { ...beside, ...within };
}

/** A span between two times; undefined without any. */
export function readSpan(fields: Fields, from: string, before: string): Span | undefined {
  const start = readMoment(fields, from);
  const end = readMoment(fields, before);
  if (start === null && end === null) return undefined;
  return { ...(start !== null && { from: start }), ...(end !== null && { before: end }) };
}

/** An RFC 3339 timestamp in milliseconds. */
export function readMoment(fields: Fields, name: string): number | null {
  const value = fields.raw(name);
  if (value === undefined || value === '') return null;
  const at = typeof value === 'string' ? parseTimestamp(value) : null;
  if (at === null) fields.issue(name, 'must be an RFC 3339 timestamp with a time zone, such as 2026-01-31T09:00:00Z');
  return at;
}

/** `older_than`: a timestamp, or an ISO 8601 duration back from now. */
export function readAge(fields: Fields, name: string, now: number): Span | undefined {
  const value = fields.raw(name);
  if (value === undefined || value === '') return undefined;
  const back = typeof value === 'string' ? parseDuration(value) : null;
  const at = back !== null ? now - back : typeof value === 'string' ? parseTimestamp(value) : null;
  if (at === null) fields.issue(name, 'must be an RFC 3339 timestamp, or an ISO 8601 duration such as P30D');
  return at === null ? undefined : { before: at };
}

/** The intersection of the spans; undefined without any. */
export function intersection(spans: readonly Span[]): Span | undefined {
  if (spans.length === 0) return undefined;
  const starts = spans.flatMap(({ from }) => (from === undefined ? [] : [from]));
  const ends = spans.flatMap(({ before }) => (before === undefined ? [] : [before]));
  return {
    ...(starts.length > 0 && { from: Math.max(...starts) }),
    ...(ends.length > 0 && { before: Math.min(...ends) }),
  };
}

/** Job ids under one of the names; null if the body has none. Throws `batch_size_exceeded`. */
export function readIds(fields: Fields, ...names: readonly [string, ...string[]]): readonly string[] | null {
  const name = names.find((one) => fields.has(one));
  if (name === undefined) return null;
  limitBatch(fields.raw(name));
  return fields.strings(name, Bulk.max);
}

/** Throws `batch_size_exceeded` for an array with more items than one call may have (ojs-bulk-operations §9.1). */
export function limitBatch(items: unknown): void {
  if (!Array.isArray(items) || items.length <= Bulk.max) return;
  const message = `Batch size ${items.length} exceeds maximum of ${Bulk.max}.`;
  throw new ProtocolError('batch_size_exceeded', message, { max_batch_size: Bulk.max, batch_size: items.length });
}

/** `state` or `states`: an array of names, or names joined by commas. */
export function readStates(fields: Fields, fallback: StateMask): StateMask {
  const name = fields.has('state') ? 'state' : 'states';
  const value = fields.raw(name);
  if (value === undefined || value === '') return fallback;
  const names: readonly unknown[] = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? commaSeparated(value)
      : [null];
  let mask = 0;
  for (const state of names) {
    if (isState(state)) mask |= State[state];
    else
      fields.issue(name, `must name states out of ${stateWords.join(', ')}.${didYouMean(String(state), stateWords)}`);
  }
  return mask === 0 ? fallback : mask;
}

/** `confirm: true`, which operations require that destroy or move many jobs (ojs-dead-letter §6.2). */
export function requireConfirm(fields: Fields): void {
  const value = fields.raw('confirm');
  if (value !== true && value !== 'true')
    fields.issue('confirm', 'must be true: the operation changes every matching job');
}
