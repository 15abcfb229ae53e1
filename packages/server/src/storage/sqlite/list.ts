import {
  ByteBudget,
  compareKeys,
  comparePlaces,
  cursorOf,
  dueStates,
  goesUp,
  isFingerprint,
  type JobOrder,
  type JobRecord,
  newestFirst,
  type Place,
  readCursor,
  readSortCursor,
  type SortKey,
  State,
  type StateMask,
  sizeOf,
  sortCursor,
  stateNames,
  Terminal,
} from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import { type Cells, flag, integer, integerOrNull, state, text } from '../cells.ts';
import { type Places, placesBehind, placesOf } from '../offset.ts';
import type { JobQuery, Page } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { endedJobs } from './ended-list.ts';
import { byPriority } from './priority-list.ts';
import { at, statements } from './statements.ts';
import { unfinishedJobs } from './unfinished-list.ts';

/** Rows of one read, after which other work may run: about 2 ms. */
const chunk = 2000;
/**
 * So many unfinished jobs at most, of all queues, are read from the indexes of their states and sorted. More of them
 * are found soon by a walk of the table.
 */
const fewUnfinished = 5000;

const most = Number.MAX_SAFE_INTEGER;
/**
 * Places of one read of an offset: about 13 MB. A read from the start of a list ends at its last job, which is known
 * from the counts of queues; one from a cursor reads on to the end of the table.
 */
const step = 100_000;

export async function list(sql: Connection, query: JobQuery): Promise<Page<JobRecord>> {
  const reads = { step, find: (part: JobQuery, wanted: number) => find(sql, part, wanted) };
  return pageOf(sql, query, await placesBehind(query, query.limit + 1, reads));
}

interface Numbered {
  readonly number: number;
}

async function find(sql: Connection, query: JobQuery, wanted: number): Promise<Places<Numbered>> {
  const { order = newestFirst } = query;
  if (order.by === 'created') return placesOf(await byCreation(sql, query, order, wanted), cursorOf);
  const jobs: readonly (SortKey & Numbered)[] =
    order.by === 'due' ? await byStart(sql, query, order, wanted) : await byPriority(sql, query, order, wanted);
  return placesOf(jobs, (place) => sortCursor(order, place));
}

function pageOf(sql: Connection, query: JobQuery, { all, cursor }: Places<Numbered>): Page<JobRecord> {
  const items: JobRecord[] = [];
  const bytes = new ByteBudget(query.maxBytes ?? Number.POSITIVE_INFINITY);
  let at = 0;
  for (const { number } of all.slice(0, query.limit)) {
    const job = sql.get(statements.byNumber, number)?.job;
    // The row may have changed while the walk paused.
    const isGone = !job || !isIn(job.state, query.states);
    if (!isGone && !bytes.take(sizeOf(job))) break;
    if (!isGone) items.push(job);
    at++;
  }
  return { items, next: all.length > at ? cursor(at - 1) : null };
}

/** A list from a place on. */
interface Walk {
  readonly up: boolean;
  /** Null for the start of the list. */
  readonly after: Place | null;
  readonly wanted: number;
}

async function byCreation(
  sql: Connection,
  query: JobQuery,
  { direction }: JobOrder,
  wanted: number,
): Promise<readonly Place[]> {
  const up = direction === 'asc';
  const after = query.after === undefined ? null : readCursor(query.after);
  let places: readonly Place[] = [];
  for (const part of up ? [finished, unfinished] : [unfinished, finished]) {
    if (places.length === wanted) break;
    places = places.concat(await part(sql, query, { up, after, wanted: wanted - places.length }));
  }
  return places;
}

async function unfinished(sql: Connection, query: JobQuery, { up, after, wanted }: Walk): Promise<readonly Place[]> {
  const mask = query.states & ~Terminal;
  const isBehind = after !== null && after.finishedAt !== null && !up;
  if (mask === 0 || query.deadLetter || isBehind) return [];
  const from = after?.finishedAt === null ? after : { finishedAt: null, number: up ? 0 : most };
  const { fingerprint } = query;
  if (fingerprint !== undefined) {
    // Only retryable ones among the unfinished jobs have a fingerprint.
    if (!isIn(State.retryable, mask)) return [];
    const statement = statements[`retryableBy${failureOf(fingerprint)}${up ? 'Up' : 'Down'}`];
    return walk(sql, { statement, keys: [fingerprint], isTimed: false }, query, mask, from, wanted, Infinity);
  }
  const count = counted(sql, mask, query.queue);
  if (count === 0) return [];
  if (counted(sql, mask, undefined) > fewUnfinished) {
    const numbers = await unfinishedJobs(sql, query, mask, { up, after: from.number, wanted: Math.min(wanted, count) });
    return numbers.map((number) => ({ number, finishedAt: null }));
  }
  const rows = Object.values(State)
    .filter((state) => isIn(state, mask))
    .flatMap((state) =>
      state === State.available ? sql.allCells(statements.listReady) : sql.allCells(statements.listDue, state),
    );
  const places = rows
    .filter((cells) => fits(cells, query, mask))
    .map((cells): Place => ({ ...placeIn(cells), finishedAt: null }));
  const sign = up ? -1 : 1;
  return places
    .filter((place) => sign * comparePlaces(place, from) > 0)
    .sort((a, b) => sign * comparePlaces(a, b))
    .slice(0, wanted);
}

async function finished(sql: Connection, query: JobQuery, { up, after, wanted }: Walk): Promise<readonly Place[]> {
  const mask = query.states & Terminal;
  if (up && after?.finishedAt === null) return [];
  const start = up ? { finishedAt: -most, number: 0 } : { finishedAt: most, number: most };
  const from = after === null || after.finishedAt === null ? start : after;
  const { fingerprint } = query;
  if (fingerprint !== undefined) {
    const statement = statements[`discardedBy${failureOf(fingerprint)}${up ? 'Up' : 'Down'}`];
    const failed = { statement, keys: [fingerprint], isTimed: true };
    return isIn(State.discarded, mask) ? walk(sql, failed, query, mask, from, wanted, Infinity) : [];
  }
  if (query.deadLetter) {
    const dead = { statement: up ? statements.deadUp : statements.deadDown, keys: [], isTimed: true };
    return isIn(State.discarded, mask) ? walk(sql, dead, query, mask, from, wanted, Infinity) : [];
  }
  const places = await endedJobs(sql, query, mask, { up, after: from, wanted }, (state) =>
    counted(sql, state, query.queue),
  );
  const sign = up ? -1 : 1;
  return places.toSorted((a, b) => sign * comparePlaces(a, b)).slice(0, wanted);
}

/** A short fingerprint is that of a message with any type. */
function failureOf(fingerprint: string): 'Error' | 'Message' {
  return isFingerprint(fingerprint) ? 'Error' : 'Message';
}

/** Jobs that wait for a time; `finishedAt` is that time. */
async function walkDue(
  sql: Connection,
  query: JobQuery,
  mask: StateMask,
  { up, after, wanted }: Walk & { readonly after: Place },
): Promise<readonly Place[]> {
  let places: readonly Place[] = [];
  const statement = up ? statements.dueUp : statements.dueDown;
  for (const state of Object.values(State)) {
    if (!isIn(state, mask)) continue;
    const one = { statement, keys: [state], isTimed: true };
    places = places.concat(await walk(sql, one, query, state, after, wanted, counted(sql, state, query.queue)));
  }
  return places;
}

async function byStart(
  sql: Connection,
  query: JobQuery,
  order: JobOrder,
  wanted: number,
): Promise<readonly (SortKey & Place)[]> {
  const up = goesUp(order);
  const start = up ? { first: -most, second: 0 } : { first: most, second: most };
  const { first, second } = query.after === undefined ? start : readSortCursor(order, query.after);
  const after = { finishedAt: first, number: second };
  const places = await walkDue(sql, query, query.states & dueStates, { up, after, wanted });
  const sign = up ? 1 : -1;
  return places
    .map((place) => ({ ...place, first: place.finishedAt ?? 0, second: place.number }))
    .sort((a, b) => sign * compareKeys(a, b))
    .slice(0, wanted);
}

interface Walked {
  readonly statement: string;
  readonly keys: readonly (number | string)[];
  /** True if the order of the statement has a time before the number. */
  readonly isTimed: boolean;
}

/** Reads rows in order, a chunk at a time, until `wanted` fit, or all `count` that can fit. */
async function walk(
  sql: Connection,
  { statement, keys, isTimed }: Walked,
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
    const time = isTimed ? [from.finishedAt ?? 0] : [];
    const rows = sql.allCells(statement, ...keys, ...time, from.number, size);
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
  if (!isIn(state(cells[at.listed.state]), mask) || (deadLetter && !flag(cells[at.listed.dead_letter]))) return false;
  return (
    (queue === undefined || text(cells[at.listed.queue]) === queue) &&
    (type === undefined || text(cells[at.listed.type]) === type)
  );
}

function placeIn(cells: Cells): Place {
  return { number: integer(cells[at.listed.number]), finishedAt: integerOrNull(cells[at.listed.time]) };
}

function counted(sql: Connection, mask: StateMask, queue: string | undefined): number {
  const sum = stateNames(mask).join(' + ');
  const all = `SELECT coalesce(sum(${sum}), 0) FROM ojs_queues`;
  return integer(queue === undefined ? sql.value(all) : sql.value(`${all} WHERE name = ?`, queue));
}
