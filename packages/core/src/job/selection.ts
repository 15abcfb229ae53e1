import { isObject, members } from '../json/json.ts';
import { type Answered, ask, run, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import { sizeOf } from './byte-budget.ts';
import { errorFingerprint, hasFingerprint } from './error-fingerprint.ts';
import { lastError } from './history.ts';
import type { JobId, JobRecord, Json } from './job.ts';
import { isSameOrder, type JobOrder, newestFirst } from './order.ts';
import { State, type StateMask, Terminal } from './states.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor of the next page; null at the end. */
  readonly next: string | null;
}

/** Selects the jobs to list. */
export interface JobQuery {
  readonly states: StateMask;
  readonly deadLetter?: true;
  readonly queue?: string;
  readonly type?: string;
  /** Jobs that failed with this error: its fingerprint, or the first ten digits for its message with any type. */
  readonly fingerprint?: string;
  /** Default: newest first. By another time or number only for jobs that have an index of it, see {@link JobOrder}. */
  readonly order?: JobOrder;
  /** Opaque cursor of a previous page; goes before `offset`. */
  readonly after?: string;
  readonly offset?: number;
  readonly limit: number;
  /**
   * The maximum for the jobs of the page together, by `sizeOf`: the page ends before the first that does not fit, but
   * has one job at least, and `next` continues after its last one. Default: no bound.
   */
  readonly maxBytes?: number;
}

/** A store whose jobs can be listed. */
export interface JobLists {
  readonly jobs: {
    list(query: JobQuery): Answered<Page<JobRecord>>;
    get(ids: readonly JobId[]): Answered<readonly (JobRecord | null)[]>;
  };
}

/** A span of time: from `from` inclusive to `before` exclusive. */
export interface Span {
  readonly from?: Millis;
  readonly before?: Millis;
}

/** A filter of jobs; all members must match. */
export interface JobFilter {
  /** None of them: no job fits, and none is read. */
  readonly states: StateMask;
  /** Each of these jobs is looked up; there is no list to read. */
  readonly ids?: readonly JobId[];
  readonly deadLetter?: true;
  readonly queue?: string;
  /** A type, or with a trailing `*` every type with that prefix. */
  readonly type?: string;
  /** As {@link JobQuery} has it. */
  readonly fingerprint?: string;
  /** Type or code of the job's last error. */
  readonly errorType?: string;
  readonly priority?: number;
  /** Members of `meta`. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** A text within `args`. */
  readonly args?: string;
  readonly created?: Span;
  /** Last entry into the queue; for a job without one, its creation. */
  readonly enqueued?: Span;
  /** Entry into the terminal state. */
  readonly finished?: Span;
  /** A further condition: the part of a query that no other member has. */
  readonly matches?: (job: JobRecord) => boolean;
}

export interface Selection {
  readonly jobs: readonly JobRecord[];
  /** Cursor after the last job that was read; null at the end. */
  readonly next: string | null;
  /** Matching jobs before this page, if it was requested by offset. */
  readonly skipped: number;
  /** The page ends before its limit because its jobs are large: more of them follow after `next`. */
  readonly cut: boolean;
  /** Jobs that were read. */
  readonly seen: number;
}

/** Selects a part of a list. */
export interface SelectAt {
  readonly after?: string | null;
  readonly offset?: number;
  readonly limit: number;
  /** Default: newest first. Jobs that the filter names by their ids are in the order of these, whatever it is by. */
  readonly order?: JobOrder | undefined;
  /** After so many bytes of jobs the part ends; by a page of the storage more where it filters here. Default 8 MiB. */
  readonly maxBytes?: number;
  /** The most jobs that one call reads, by a page of the storage more. Default 20,000: about 100 ms on SQLite. */
  readonly maxSeen?: number;
  /** Ends the part between two reads. */
  readonly isOver?: () => boolean;
  /** Waited for between two reads. */
  readonly pause?: () => Promise<void>;
}

const defaultBytes = 8 * 1_048_576;

/** Jobs of one read. */
const page = 500;
const defaultSeen = 20_000;
/** Jobs that are looked up at once: each may have a megabyte. */
const lookUps = 16;

/**
 * The next matching jobs, in the order of the storage's lists. Filters that the storage does not have are applied here,
 * so a page may have fewer jobs than `limit`, or none, and yet be followed by more: a filter with few matches continues
 * from its cursor.
 */
export function select(store: JobLists, filter: JobFilter, at: SelectAt): Answered<Selection> {
  return run(selecting(store, filter, at));
}

function* selecting(store: JobLists, filter: JobFilter, at: SelectAt): Steps<Selection> {
  const { after = null, offset = 0, limit, maxBytes = defaultBytes, maxSeen = defaultSeen } = at;
  const { isOver = () => false, pause, order } = at;
  if (filter.states === 0) return { jobs: [], next: null, skipped: 0, cut: false, seen: 0 };
  if (filter.ids !== undefined) {
    const up = order?.direction === 'asc';
    return yield* lookedUp(store, filter, filter.ids, { after, offset, limit, maxBytes, up });
  }
  if (isPlain(filter)) {
    const place = after === null ? { offset } : { after };
    const { items, next } = yield* ask(store.jobs.list({ ...queryOf(filter, order), ...place, limit, maxBytes }));
    const cut = next !== null && items.length < limit;
    return { jobs: items, next, skipped: after === null ? offset : 0, cut, seen: items.length };
  }
  const jobs: JobRecord[] = [];
  let bytes = 0;
  let skipped = 0;
  let cursor = after;
  let seen = 0;
  while (seen < maxSeen) {
    const wanted = limit - jobs.length + (after === null ? offset - skipped : 0);
    const read = yield* readPage(store, filter, { after: cursor, wanted, maxBytes, order });
    seen += read.seen;
    cursor = read.next;
    for (const job of read.jobs) {
      if (after === null && skipped < offset) {
        skipped += 1;
        continue;
      }
      jobs.push(job);
      bytes += sizeOf(job);
    }
    if (cursor === null || jobs.length >= limit || bytes >= maxBytes || isOver()) break;
    if (pause !== undefined) yield* ask(pause());
  }
  return { jobs, next: cursor, skipped, cut: cursor !== null && jobs.length < limit && bytes >= maxBytes, seen };
}

/** Jobs by their ids: a UUIDv7 begins with its time. The cursor is the id of the last job. */
function* lookedUp(
  store: JobLists,
  filter: JobFilter,
  ids: readonly JobId[],
  {
    after,
    offset,
    limit,
    maxBytes,
    up,
  }: Required<Pick<SelectAt, 'after' | 'offset' | 'limit' | 'maxBytes'>> & { readonly up: boolean },
): Steps<Selection> {
  const sorted = ids.filter((id) => after === null || (up ? id > after : id < after)).toSorted();
  const left = up ? sorted : sorted.reverse();
  const jobs: JobRecord[] = [];
  let bytes = 0;
  let skipped = 0;
  for (let at = 0; at < left.length; at += lookUps) {
    const part = left.slice(at, at + lookUps);
    for (const job of yield* ask(store.jobs.get(part))) {
      if (job === null || !fits(job, filter)) continue;
      if (after === null && skipped < offset) {
        skipped += 1;
        continue;
      }
      bytes += sizeOf(job);
      const isFull = jobs.length === limit;
      const cut = !isFull && jobs.length > 0 && bytes > maxBytes;
      if (isFull || cut) return { jobs, next: jobs.at(-1)?.id ?? null, skipped, cut, seen: at + part.length };
      jobs.push(job);
    }
  }
  return { jobs, next: null, skipped, cut: false, seen: left.length };
}

interface PageAt {
  readonly after: string | null;
  readonly wanted: number;
  readonly maxBytes: number;
  readonly order: JobOrder | undefined;
}

/**
 * Reads a page with at most `wanted` matches. With more, it is read again, shorter, so that its cursor is after the
 * last match.
 */
function* readPage(
  store: JobLists,
  filter: JobFilter,
  { after, wanted, maxBytes, order }: PageAt,
): Steps<{ readonly jobs: readonly JobRecord[]; readonly next: string | null; readonly seen: number }> {
  for (let limit = page; ; ) {
    const place = after === null ? {} : { after };
    const { items, next } = yield* ask(store.jobs.list({ ...queryOf(filter, order), ...place, limit, maxBytes }));
    const places = items.flatMap((job, index) => (fits(job, filter) ? [index] : []));
    const last = places[wanted - 1];
    if (places.length > wanted && last !== undefined) {
      limit = last + 1;
      continue;
    }
    return {
      jobs: places.flatMap((index) => items[index] ?? []),
      next: (order === undefined || isSameOrder(order, newestFirst)) && isBehind(items.at(-1), filter) ? null : next,
      seen: items.length,
    };
  }
}

/** True where the storage itself can answer the filter. */
function isPlain(filter: JobFilter): boolean {
  const { errorType, priority, meta, args, created, enqueued, finished, matches, type } = filter;
  return (
    [errorType, priority, meta, args, created, enqueued, finished, matches].every((part) => part === undefined) &&
    !type?.endsWith('*')
  );
}

function queryOf(
  { states, deadLetter, queue, type, fingerprint }: JobFilter,
  order: JobOrder | undefined,
): Omit<JobQuery, 'limit'> {
  return {
    states,
    ...(deadLetter && { deadLetter }),
    ...(queue !== undefined && { queue }),
    ...(type !== undefined && !type.endsWith('*') && { type }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(order !== undefined && { order }),
  };
}

/** Finished jobs are listed newest first, so the jobs after one that ended too early ended earlier still. */
function isBehind(job: JobRecord | undefined, { states, finished }: JobFilter): boolean {
  if (job?.finishedAt == null || finished?.from === undefined || (states & ~Terminal) !== 0) return false;
  return job.finishedAt < finished.from;
}

export function fits(job: JobRecord, filter: JobFilter): boolean {
  const { states, deadLetter, queue, type, fingerprint, errorType, priority } = filter;
  const { meta, args, created, enqueued, finished, matches } = filter;
  if ((job.state & states) === 0 || (deadLetter && !job.deadLetter)) return false;
  if ((queue !== undefined && job.queue !== queue) || (priority !== undefined && job.priority !== priority))
    return false;
  if (type !== undefined && (type.endsWith('*') ? !job.type.startsWith(type.slice(0, -1)) : job.type !== type))
    return false;
  if (
    !isWithin(job.createdAt, created) ||
    !isWithin(job.enqueuedAt ?? job.createdAt, enqueued) ||
    !isWithin(job.finishedAt, finished)
  )
    return false;
  if (fingerprint !== undefined && !hasFingerprint(errorFingerprint(job), fingerprint)) return false;
  if (errorType !== undefined && !errorNames(job).includes(errorType)) return false;
  if (args !== undefined && !memberText(job, 'args').includes(args)) return false;
  if (meta !== undefined && !hasMeta(job, meta)) return false;
  return matches === undefined || matches(job);
}

/** The names of a job's last error that a filter can have. */
export function errorNames(job: JobRecord): readonly string[] {
  const error = lastError(job);
  return error === null ? [] : [error.type, error.code];
}

function isWithin(at: Millis | null, span: Span | undefined): boolean {
  if (span === undefined) return true;
  return at !== null && (span.from === undefined || at >= span.from) && (span.before === undefined || at < span.before);
}

function hasMeta(job: JobRecord, wanted: Readonly<Record<string, unknown>>): boolean {
  const meta: unknown = JSON.parse(memberText(job, 'meta'));
  if (!isObject(meta)) return false;
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(meta, key) && JSON.stringify(meta[key]) === JSON.stringify(value),
  );
}

function memberText(job: JobRecord, name: string): Json {
  return members(job.envelope).get(name) ?? 'null';
}

/** Jobs of the dead letter, of any queue. */
export const deadLetters: JobFilter = { states: State.discarded, deadLetter: true };
