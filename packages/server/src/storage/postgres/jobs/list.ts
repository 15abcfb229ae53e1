import {
  ByteBudget,
  comparePlaces,
  cursorOf,
  isFingerprint,
  isIn,
  type JobId,
  type JobRecord,
  type Place,
  readCursor,
  State,
  type StateMask,
  stateNames,
  Terminal,
} from '@ojs-ts/core';
import { integer, integerOrNull, text } from '../../cells.ts';
import type { JobQuery, Page } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { type Cells, uuids } from '../connection/sql.ts';
import { size } from './job-row.ts';
import { readJobs } from './locked-job.ts';

/**
 * Up to this many jobs are read by state or queue and sorted. If there are more, matches are common enough for a walk in
 * the order of creation.
 */
const few = 5000;

/** The cursor of the first page. */
const start: Place = { finishedAt: null, number: Number.MAX_SAFE_INTEGER };
const startOfFinished: Place = { finishedAt: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER };

const filter = '($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR type = $2)';
const found = 'SELECT id, number, NULL::bigint AS finished_at';
const newest = 'AND number < $3 ORDER BY number DESC LIMIT $4';
/** `state + 0` keeps the planner from the index by state, which would need a sort. */
const walkDue = `(${found} FROM ojs.due WHERE ${filter} AND state + 0 = ANY ($5::int[]) ${newest})`;
const fewDue = `(${found} FROM ojs.due WHERE ${filter} AND state = ANY ($5::smallint[]) ${newest})`;
const walkReady = `(${found} FROM ojs.ready WHERE ${filter} ${newest})`;
/** The lines of a queue are its name, and what begins with its name and a line break. */
const fewReady = `(${found} FROM ojs.ready WHERE line >= $1 AND line < $1 || E'\\x0b' AND ${filter} ${newest})`;
/** Few jobs are active at once. */
const active = `(${found} FROM ojs.active WHERE ${filter} ${newest})`;
const unfinishedIn = (tables: readonly string[]) =>
  `SELECT * FROM (${tables.join(' UNION ALL ')}) AS each ORDER BY number DESC LIMIT $4`;
const finishedIn = `SELECT id, number, finished_at FROM ojs.ended WHERE ${filter} AND state = $5
  AND (finished_at, number) < ($6, $3) ORDER BY finished_at DESC, number DESC LIMIT $4`;
const dead = `SELECT id, number, finished_at FROM ojs.ended WHERE ${filter} AND dead_letter AND (finished_at, number) < ($5, $3)
  ORDER BY finished_at DESC, number DESC LIMIT $4`;
const failed = (fingerprint: string, parameter: string) =>
  `fingerprint IS NOT NULL AND ${isFingerprint(fingerprint) ? 'fingerprint' : 'left(fingerprint, 10)'} = ${parameter}`;

const sizes = `SELECT id, ${size} FROM ojs.whole WHERE id = ANY ($1::uuid[])`;

export async function list(database: Database, query: JobQuery): Promise<Page<JobRecord>> {
  const after = query.after === undefined ? start : readCursor(query.after);
  const skip = query.after === undefined ? (query.offset ?? 0) : 0;
  const wanted = skip + query.limit + 1;
  const waiting = await unfinished(database, query, after, wanted);
  // Not by push(...rows): a far page has more rows before it than a call may have arguments.
  const rows = waiting.length < wanted ? await withFinished(database, query, after, waiting, wanted) : waiting;
  const page = await fitting(database, rows.slice(skip, skip + query.limit), query.maxBytes);
  const last = page.at(-1);
  const jobs = await readJobs(
    (text, values) => database.read(text, values),
    page.map(({ id }) => id),
  );
  const items = page.flatMap(({ id }) => {
    const job = jobs.get(id)?.job;
    // The job may have changed since it was found.
    return job && isIn(job.state, query.states) && (!query.deadLetter || job.deadLetter) ? [job] : [];
  });
  return { items, next: last && rows.length > skip + page.length ? cursorOf(last) : null };
}

interface Found extends Place {
  readonly id: JobId;
}

function readFound(cells: Cells): Found {
  return { id: text(cells[0]), number: integer(cells[1]), finishedAt: integerOrNull(cells[2]) };
}

/** As many of the jobs as fit; the first one always does. */
async function fitting(database: Database, found: readonly Found[], maxBytes?: number): Promise<readonly Found[]> {
  if (maxBytes === undefined || found.length === 0) return found;
  const rows = await database.read(sizes, [uuids(found.map(({ id }) => id))]);
  const sizeOf = new Map(rows.map(([id, size]) => [text(id), integer(size)]));
  const bytes = new ByteBudget(maxBytes);
  return found.filter(({ id }) => bytes.take(sizeOf.get(id) ?? 0));
}

async function unfinished(
  database: Database,
  query: JobQuery,
  after: Place,
  wanted: number,
): Promise<readonly Found[]> {
  const mask = query.states & ~Terminal;
  if (mask === 0 || query.deadLetter || after.finishedAt !== null) return [];
  const states = Object.values(State).filter((state) => isIn(state, mask & dueStates));
  const { fingerprint } = query;
  if (fingerprint !== undefined) {
    if (!isIn(State.retryable, mask)) return [];
    const retryable = `${found} FROM ojs.due WHERE ${filter} AND ${failed(fingerprint, '$5')} ${newest}`;
    const values = [query.queue ?? null, query.type ?? null, after.number, wanted, fingerprint];
    return (await database.read(retryable, values)).map(readFound);
  }
  const isFew = (await counted(database, mask, query.queue)) <= few;
  const tables = [
    ...(states.length > 0 ? [isFew ? fewDue : walkDue] : []),
    ...(isIn(State.available, mask) ? [isFew && query.queue !== undefined ? fewReady : walkReady] : []),
    ...(isIn(State.active, mask) ? [active] : []),
  ];
  const values = [query.queue ?? null, query.type ?? null, after.number, wanted];
  return (await database.read(unfinishedIn(tables), states.length > 0 ? [...values, states] : values)).map(readFound);
}

/** A job that ends between the two reads is in both. */
async function withFinished(
  database: Database,
  query: JobQuery,
  after: Place,
  waiting: readonly Found[],
  wanted: number,
): Promise<readonly Found[]> {
  const seen = new Set(waiting.map(({ id }) => id));
  const ended = await finished(database, query, after, wanted - waiting.length);
  return [...waiting, ...ended.filter(({ id }) => !seen.has(id))];
}

const dueStates = State.scheduled | State.retryable | State.pending;

async function finished(database: Database, query: JobQuery, after: Place, wanted: number): Promise<readonly Found[]> {
  const mask = query.states & Terminal;
  const { finishedAt, number } = after.finishedAt === null ? startOfFinished : after;
  const values = [query.queue ?? null, query.type ?? null, number, wanted];
  const { fingerprint } = query;
  if (fingerprint !== undefined) {
    if (!isIn(State.discarded, mask)) return [];
    const discarded = `SELECT id, number, finished_at FROM ojs.ended WHERE ${filter} AND ${failed(fingerprint, '$5')}
      ${query.deadLetter ? 'AND dead_letter' : ''} AND (finished_at, number) < ($6, $3) ORDER BY finished_at DESC, number DESC LIMIT $4`;
    return (await database.read(discarded, [...values, fingerprint, finishedAt])).map(readFound);
  }
  if (query.deadLetter)
    return isIn(State.discarded, mask) ? (await database.read(dead, [...values, finishedAt])).map(readFound) : [];
  const states = [State.completed, State.cancelled, State.discarded].filter((state) => isIn(state, mask));
  const rows = await Promise.all(states.map((state) => database.read(finishedIn, [...values, state, finishedAt])));
  return rows.flat().map(readFound).sort(comparePlaces).slice(0, wanted);
}

async function counted(database: Database, mask: StateMask, queue: string | undefined): Promise<number> {
  const sum = stateNames(mask).join(' + ');
  const [row] = await database.read(
    `SELECT coalesce(sum(${sum}), 0)::int FROM ojs.counts WHERE $1::text IS NULL OR queue = $1`,
    [queue ?? null],
  );
  return integer(row?.[0]);
}
