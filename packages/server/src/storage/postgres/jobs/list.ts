import {
  ByteBudget,
  comparePlaces,
  cursorOf,
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
import type { Cells } from '../connection/sql.ts';
import { size } from './job-row.ts';
import { readJobs } from './locked-job.ts';

/**
 * Up to this many unfinished jobs are read by state and sorted. If there are more, matches are common enough for a walk
 * in the order of creation.
 */
const fewUnfinished = 5000;

/** The cursor of the first page. */
const start: Place = { finishedAt: null, number: Number.MAX_SAFE_INTEGER };
const startOfFinished: Place = { finishedAt: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER };

/** Jobs are found by these columns, and only those of the page are read whole: far pages have many jobs before them. */
const found = `id, number, finished_at, ${size}`;
const filter = '($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR type = $2)';
/** `state + 0` keeps the planner from the index by state, which would need a sort. */
const walk = `SELECT ${found} FROM ojs.jobs WHERE ${filter} AND finished_at IS NULL
  AND state + 0 = ANY ($5::int[]) AND number < $3 ORDER BY number DESC LIMIT $4`;
const few = `SELECT ${found} FROM (
    SELECT * FROM ojs.jobs WHERE state = ANY ($5::smallint[]) AND due_at IS NOT NULL
    UNION ALL SELECT * FROM ojs.jobs WHERE place IS NOT NULL AND $6
  ) AS job WHERE ${filter} AND number < $3 ORDER BY number DESC LIMIT $4`;
const finishedIn = `SELECT ${found} FROM ojs.jobs WHERE ${filter} AND state = $5 AND due_at IS NOT NULL
  AND (due_at, number) < ($6, $3)
  ORDER BY due_at DESC, number DESC LIMIT $4`;
const dead = `SELECT ${found} FROM ojs.jobs WHERE ${filter} AND dead_letter AND (finished_at, number) < ($5, $3)
  ORDER BY finished_at DESC, number DESC LIMIT $4`;

export async function list(database: Database, query: JobQuery): Promise<Page<JobRecord>> {
  const after = query.after === undefined ? start : readCursor(query.after);
  const skip = query.after === undefined ? (query.offset ?? 0) : 0;
  const wanted = skip + query.limit + 1;
  const waiting = (await unfinished(database, query, after, wanted)).map(readFound);
  // Not by push(...rows): a far page has more rows before it than a call may have arguments.
  const rows =
    waiting.length < wanted ? waiting.concat(await finished(database, query, after, wanted - waiting.length)) : waiting;
  const bytes = new ByteBudget(query.maxBytes ?? Number.POSITIVE_INFINITY);
  const page = rows.slice(skip, skip + query.limit).filter(({ size }) => bytes.take(size));
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
  readonly size: number;
}

function readFound(cells: Cells): Found {
  return {
    id: text(cells[0]),
    number: integer(cells[1]),
    finishedAt: integerOrNull(cells[2]),
    size: integer(cells[3]),
  };
}

async function unfinished(
  database: Database,
  query: JobQuery,
  after: Place,
  wanted: number,
): Promise<readonly Cells[]> {
  const mask = query.states & ~Terminal;
  if (mask === 0 || query.deadLetter || after.finishedAt !== null) return [];
  const states = Object.values(State).filter((state) => isIn(state, mask));
  const values = [query.queue ?? null, query.type ?? null, after.number, wanted, states];
  if ((await counted(database, mask, query.queue)) > fewUnfinished) return database.read(walk, values);
  return database.read(few, [...values, isIn(State.available, mask)]);
}

async function finished(database: Database, query: JobQuery, after: Place, wanted: number): Promise<readonly Found[]> {
  const mask = query.states & Terminal;
  const { finishedAt, number } = after.finishedAt === null ? startOfFinished : after;
  const values = [query.queue ?? null, query.type ?? null, number, wanted];
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
