import {
  ByteBudget,
  comparePlaces,
  cursorOf,
  isFingerprint,
  isIn,
  type JobRecord,
  type Place,
  readCursor,
  State,
  type StateMask,
  sizeOf,
  stateNames,
  Terminal,
} from '@ojs-ts/core';
import type { JobQuery, Page } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { type Cells, integer, integerOrNull, readJob, state, text } from './row.ts';
import { statements } from './statements.ts';

/** Rows of one read, after which other work may run: about 2 ms. */
const chunk = 2000;
/**
 * So many unfinished jobs at most are read from the indexes of their states and sorted. More of them are found soon by
 * a walk of the table.
 */
const fewUnfinished = 5000;

/** Every place is behind `start`. */
const start: Place = { finishedAt: null, number: Number.MAX_SAFE_INTEGER };
const startOfFinished: Place = { finishedAt: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER };

export async function list(sql: Connection, query: JobQuery): Promise<Page<JobRecord>> {
  const after = query.after === undefined ? start : readCursor(query.after);
  const { fingerprint } = query;
  const skip = query.after === undefined ? (query.offset ?? 0) : 0;
  const wanted = skip + query.limit + 1;
  const waiting = await (fingerprint === undefined
    ? unfinished(sql, query, after, wanted)
    : retryable(sql, query, fingerprint, after, wanted));
  // No push(...places): a page far behind has more places before it than a call may have arguments.
  const places =
    waiting.length < wanted ? waiting.concat(await finished(sql, query, after, wanted - waiting.length)) : waiting;
  const items: JobRecord[] = [];
  const bytes = new ByteBudget(query.maxBytes ?? Number.POSITIVE_INFINITY);
  let at = skip;
  for (; at < Math.min(places.length, skip + query.limit); at++) {
    const cells = sql.get(statements.byNumber, places[at]?.number ?? 0);
    const job = cells && readJob(cells).job;
    // The row may have changed while the walk paused.
    if (!job || !isIn(job.state, query.states)) continue;
    if (!bytes.take(sizeOf(job))) break;
    items.push(job);
  }
  const last = at > skip ? places[at - 1] : undefined;
  return { items, next: last && places.length > at ? cursorOf(last) : null };
}

async function unfinished(sql: Connection, query: JobQuery, after: Place, wanted: number): Promise<readonly Place[]> {
  const mask = query.states & ~Terminal;
  if (mask === 0 || query.deadLetter || after.finishedAt !== null) return [];
  const count = counted(sql, mask, query.queue);
  if (count === 0) return [];
  if (count > fewUnfinished) return walk(sql, statements.byNumberDown, [], query, mask, after, wanted, count);
  const rows = Object.values(State)
    .filter((state) => isIn(state, mask))
    .flatMap((state) =>
      state === State.available ? sql.all(statements.listReady) : sql.all(statements.listDue, state),
    );
  const places = rows.filter((cells) => fits(cells, query, mask)).map(placeIn);
  return places
    .filter((place) => comparePlaces(place, after) > 0)
    .sort(comparePlaces)
    .slice(0, wanted);
}

/** Of the unfinished jobs, only the retryable ones have a fingerprint. */
async function retryable(
  sql: Connection,
  query: JobQuery,
  fingerprint: string,
  after: Place,
  wanted: number,
): Promise<readonly Place[]> {
  if (!isIn(State.retryable, query.states) || query.deadLetter || after.finishedAt !== null) return [];
  const statement = isFingerprint(fingerprint) ? statements.retryableByError : statements.retryableByMessage;
  return walk(sql, statement, [fingerprint], query, query.states, after, wanted, Number.POSITIVE_INFINITY);
}

async function finished(sql: Connection, query: JobQuery, after: Place, wanted: number): Promise<readonly Place[]> {
  const mask = query.states & Terminal;
  const from = after.finishedAt === null ? startOfFinished : after;
  const { fingerprint } = query;
  if (fingerprint !== undefined) {
    const statement = isFingerprint(fingerprint) ? statements.discardedByError : statements.discardedByMessage;
    return isIn(State.discarded, mask)
      ? walk(sql, statement, [fingerprint], query, mask, from, wanted, Number.POSITIVE_INFINITY)
      : [];
  }
  if (query.deadLetter)
    return isIn(State.discarded, mask) ? walk(sql, statements.deadDown, [], query, mask, from, wanted, Infinity) : [];
  let places: readonly Place[] = [];
  for (const state of [State.completed, State.cancelled, State.discarded]) {
    if (!isIn(state, mask)) continue;
    places = places.concat(
      await walk(sql, statements.finishedDown, [state], query, state, from, wanted, counted(sql, state, query.queue)),
    );
  }
  return places.toSorted(comparePlaces).slice(0, wanted);
}

/** Reads rows in order, a chunk at a time, until `wanted` fit, or all `count` that can fit. */
async function walk(
  sql: Connection,
  statement: string,
  keys: readonly (number | string)[],
  query: JobQuery,
  mask: StateMask,
  after: Place,
  wanted: number,
  count: number,
): Promise<readonly Place[]> {
  const found: Place[] = [];
  let from = after;
  const size = Math.min(chunk, Math.max(wanted, 100));
  for (;;) {
    // The walk by number meets finished rows too; their time is no part of its order.
    const time = statement === statements.byNumberDown || from.finishedAt === null ? [] : [from.finishedAt];
    const rows = sql.all(statement, ...keys, ...time, from.number, size);
    for (const cells of rows) {
      from = placeIn(cells);
      if (!fits(cells, query, mask)) continue;
      found.push(from);
      if (found.length === Math.min(wanted, count)) return found;
    }
    if (rows.length < size) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function fits(cells: Cells, { queue, type, deadLetter }: JobQuery, mask: StateMask): boolean {
  if (!isIn(state(cells[2]), mask) || (deadLetter && cells[5] === 0)) return false;
  return (queue === undefined || text(cells[3]) === queue) && (type === undefined || text(cells[4]) === type);
}

function placeIn(cells: Cells): Place {
  return { number: integer(cells[0]), finishedAt: integerOrNull(cells[1]) };
}

function counted(sql: Connection, mask: StateMask, queue: string | undefined): number {
  const sum = stateNames(mask).join(' + ');
  const cells =
    queue === undefined
      ? sql.get(`SELECT coalesce(sum(${sum}), 0) FROM ojs_queues`)
      : sql.get(`SELECT coalesce(sum(${sum}), 0) FROM ojs_queues WHERE name = ?`, queue);
  return integer(cells?.[0]);
}
