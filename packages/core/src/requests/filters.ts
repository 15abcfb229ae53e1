import { Bulk } from '../bulk/bulk.ts';
import { ProtocolError } from '../errors.ts';
import type { JobFilter, Span } from '../job/selection.ts';
import type { StateMask } from '../job/states.ts';
import { wrongValue } from './fields.ts';

type Subject = Pick<JobFilter, 'queue' | 'type' | 'fingerprint' | 'errorType' | 'args'>;

/** The members of every filter, as its schema reads them. */
export interface SentSubject extends Omit<Subject, 'errorType'> {
  readonly job_type?: string;
  readonly error_type?: string;
}

/**
 * A queue, a type or `prefix*`, the last error by type or fingerprint, a part of the args.
 * @param at the path of the filter.
 */
export function readSubject(sent: SentSubject, at: string): Subject {
  const { queue, job_type: jobType, type = jobType, error_type: errorType, fingerprint, args } = sent;
  if (jobType !== undefined && jobType !== type)
    throw wrongValue(`${at}.job_type`, 'must not differ from type; send only one of them');
  return {
    ...(queue !== undefined && { queue }),
    ...(type !== undefined && { type }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(errorType !== undefined && { errorType }),
    ...(args !== undefined && { args }),
  };
}

const subjectNames = [
  ['queue', 'queue'],
  ['type', 'type'],
  ['fingerprint', 'fingerprint'],
  ['errorType', 'error_type'],
  ['args', 'args'],
] as const;

/** The members beside a `filter`, and those within: a member in both places must have the same value. */
export function readSubjects(sent: SentSubject, filter: SentSubject): Subject {
  const [beside, within] = [readSubject(sent, '$'), readSubject(filter, '$.filter')];
  for (const [key, name] of subjectNames) {
    if (beside[key] === undefined || within[key] === undefined || beside[key] === within[key]) continue;
    const message = `must not differ from $.${name}, the member beside filter; send only one of them`;
    throw wrongValue(`$.filter.${name}`, message);
  }
  return { ...beside, ...within };
}

interface Bounds {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** As `until`. */
  readonly older_than?: number | undefined;
}

/** The intersection of the bounds; undefined without any. */
export function spanOf(...all: readonly Bounds[]): Span | undefined {
  const starts = all.flatMap(({ since }) => since ?? []);
  const ends = all.flatMap(({ until, older_than: other }) => [until ?? [], other ?? []].flat());
  if (starts.length + ends.length === 0) return undefined;
  return {
    ...(starts.length > 0 && { from: Math.max(...starts) }),
    ...(ends.length > 0 && { before: Math.min(...ends) }),
  };
}

/** Throws `batch_size_exceeded` for an array with more items than one call may have (ojs-bulk-operations §9.1). */
export function limitBatch(items: unknown): void {
  if (!Array.isArray(items) || items.length <= Bulk.max) return;
  const message = `Batch size ${items.length} exceeds maximum of ${Bulk.max}.`;
  throw new ProtocolError('batch_size_exceeded', message, { max_batch_size: Bulk.max, batch_size: items.length });
}

/** `state` or `states`. */
export function statesOf(
  { states, state = states }: { readonly state?: StateMask; readonly states?: StateMask },
  fallback: StateMask,
): StateMask {
  return state ?? fallback;
}
