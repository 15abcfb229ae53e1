import {
  comparePlaces,
  cursorOf,
  isIn,
  type JobRecord,
  type Place,
  placeOf,
  readCursor,
  State,
  type StateMask,
  stateNames,
  Terminal,
} from '@ojs-ts/core';
import { integer } from '../../cells.ts';
import type { JobQuery, Page } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import type { Cells } from '../connection/sql.ts';
import { type JobRow, jobColumns, readJob } from './job-row.ts';

/**
 * Up to this many unfinished jobs are read by state and sorted. If there are more, matches are common enough for a walk
 * in the order of creation.
 */
const fewUnfinished = 5000;

/** The cursor of the first page. */
const start: Place = { finishedAt: null, number: Number.MAX_SAFE_INTEGER };
const startOfFinished: Place = { finishedAt: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER };

const filter = '($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR type = $2)';
/** `state + 0` keeps the planner from the index by state, which would need a sort. */
const walk = `SELECT ${jobColumns} FROM ojs.jobs WHERE ${filter} AND finished_at IS NULL
  AND state + 0 = ANY ($5::int[]) AND number < $3 ORDER BY number DESC LIMIT $4`;
const few = `SELECT ${jobColumns} FROM (
    SELECT * FROM ojs.jobs WHERE state = ANY ($5::smallint[]) AND due_at IS NOT NULL
    UNION ALL SELECT * FROM ojs.jobs WHERE place IS NOT NULL AND $6
  ) AS job WHERE ${filter} AND number < $3 ORDER BY number DESC LIMIT $4`;
const finishedIn = `SELECT ${jobColumns} FROM ojs.jobs WHERE ${filter} AND state = $5 AND due_at IS NOT NULL
  AND (due_at, number) < ($6, $3)
  ORDER BY due_at DESC, number DESC LIMIT $4`;
const dead = `SELECT ${jobColumns} FROM ojs.jobs WHERE ${filter} AND dead_letter AND (finished_at, number) < ($5, $3)
  ORDER BY finished_at DESC, number DESC LIMIT $4`;

export async function list(database: Database, query: JobQuery): Promise<Page<JobRecord>> {
  const after = query.after === undefined ? start : readCursor(query.after);
  const skip = query.after === undefined ? (query.offset ?? 0) : 0;
  const wanted = skip + query.limit + 1;
  const waiting = (await unfinished(database, query, after, wanted)).map(readJob);
  // Not by push(...rows): a far page has more rows before it than a call may have arguments.
  const rows =
    waiting.length < wanted ? waiting.concat(await finished(database, query, after, wanted - waiting.length)) : waiting;
  const page = rows.slice(skip, skip + query.limit);
  const last = page.at(-1);
  return {
    items: page.map(({ job }) => job),
    next: last && rows.length > skip + page.length ? cursorOf(placeIn(last)) : null,
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

async function finished(database: Database, query: JobQuery, after: Place, wanted: number): Promise<readonly JobRow[]> {
  const mask = query.states & Terminal;
  const { finishedAt, number } = after.finishedAt === null ? startOfFinished : after;
  const values = [query.queue ?? null, query.type ?? null, number, wanted];
  if (query.deadLetter)
    return isIn(State.discarded, mask) ? (await database.read(dead, [...values, finishedAt])).map(readJob) : [];
  const states = [State.completed, State.cancelled, State.discarded].filter((state) => isIn(state, mask));
  const found = await Promise.all(states.map((state) => database.read(finishedIn, [...values, state, finishedAt])));
  const rows = found.flat().map(readJob);
  return rows.sort((a, b) => comparePlaces(placeIn(a), placeIn(b))).slice(0, wanted);
}

function placeIn({ job, number }: JobRow): Place {
  return placeOf(job, number);
}

async function counted(database: Database, mask: StateMask, queue: string | undefined): Promise<number> {
  const sum = stateNames(mask).join(' + ');
  const [row] = await database.read(
    `SELECT coalesce(sum(${sum}), 0)::int FROM ojs.counts WHERE $1::text IS NULL OR queue = $1`,
    [queue ?? null],
  );
  return integer(row?.[0]);
}
