import {
  ByteBudget,
  compareKeys,
  comparePlaces,
  cursorOf,
  goesUp,
  isFingerprint,
  type JobId,
  type JobOrder,
  type JobRecord,
  newestFirst,
  type Place,
  readCursor,
  readSortCursor,
  State,
  type StateMask,
  sortCursor,
  stateNames,
  Terminal,
} from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import { integer, integerOrNull, text } from '../../cells.ts';
import { columns } from '../../columns.ts';
import { type Places, placesBehind, placesOf } from '../../offset.ts';
import type { JobQuery, Page } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { byTime, uuids } from '../connection/sql.ts';
import { size } from './job-row.ts';
import { readJobs } from './locked-job.ts';
import { byPriority, type Keyed } from './priority-list.ts';

/**
 * Up to this many jobs are read by state or queue and sorted. If there are more, matches are common enough for a walk
 * in the order of creation.
 */
const few = 5000;
/** Places of one read of an offset: about 4 MB of rows in Node. */
const step = 10_000;

const most = Number.MAX_SAFE_INTEGER;

const filter = '($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR type = $2)';
const found = 'SELECT id, number, NULL::bigint AS finished_at';
const { read } = columns({ id: text, number: integer, finishedAt: integerOrNull });

const failedBy = (fingerprint: string, parameter: string) =>
  `fingerprint IS NOT NULL AND ${isFingerprint(fingerprint) ? 'fingerprint' : 'left(fingerprint, 10)'} = ${parameter}`;

/** The statements of one direction. */
function statementsOf(up: boolean) {
  const [behind, order] = up ? ['>', 'ASC'] : ['<', 'DESC'];
  const next = `AND number ${behind} $3 ORDER BY number ${order} LIMIT $4`;
  /** The rows are few and are sorted: without the number as such, no plan walks the primary key instead. */
  const fewNext = `AND number + 0 ${behind} $3 ORDER BY number + 0 ${order} LIMIT $4`;
  const timed = (time: string, table: string, rows: string) => `SELECT id, number, ${time} FROM ojs.${table}
    WHERE ${filter} AND ${rows} AND (${time}, number) ${behind} ($5, $3)
      ORDER BY ${time} ${order}, number ${order} LIMIT $4`;
  return {
    /** Without `byTime`: only the primary key has the order. */
    walkDue: `(${found} FROM ojs.due WHERE ${filter} AND state = ANY ($5::smallint[]) ${next})`,
    fewDue: `(${found} FROM ojs.due WHERE ${byTime} AND ${filter} AND state = ANY ($5::smallint[]) ${fewNext})`,
    walkReady: `(${found} FROM ojs.ready WHERE ${filter} ${next})`,
    /** The ready queues of a queue: its name, and for limit groups its name, a line break and their keys. */
    fewReady: `(${found} FROM ojs.ready
      WHERE ready_queue >= $1 AND ready_queue < $1 || E'\\x0b' AND ${filter} ${fewNext})`,
    /** Few jobs are active at once. */
    active: `(${found} FROM ojs.active WHERE ${filter} ${next})`,
    unfinished: (tables: readonly string[]) =>
      `SELECT * FROM (${tables.join(' UNION ALL ')}) AS each ORDER BY number ${order} LIMIT $4`,
    finished: timed('finished_at', 'ended', `${byTime} AND state = $6`),
    dead: timed('finished_at', 'ended', 'dead_letter'),
    due: timed('run_at', 'due', `${byTime} AND state = $6`),
    retryableBy: (failure: string) => `${found} FROM ojs.due WHERE ${filter} AND ${failedBy(failure, '$5')} ${next}`,
    discardedBy: (failure: string) => timed('finished_at', 'ended', failedBy(failure, '$6')),
    deadBy: (failure: string) => timed('finished_at', 'ended', `dead_letter AND ${failedBy(failure, '$6')}`),
  };
}

const directions = { asc: statementsOf(true), desc: statementsOf(false) } as const;
const sizes = columns({ id: text, size: [size, integer] }).from('ojs.whole WHERE id = ANY ($1::uuid[])');

export async function list(database: Database, query: JobQuery): Promise<Page<JobRecord>> {
  const reads = { step, find: (part: JobQuery, wanted: number) => find(database, part, wanted) };
  return pageOf(database, query, await placesBehind(query, query.limit + 1, reads));
}

interface Identified {
  readonly id: JobId;
}

async function find(database: Database, query: JobQuery, wanted: number): Promise<Places<Identified>> {
  const { order = newestFirst } = query;
  if (order.by === 'created') return placesOf(await byCreation(database, query, order, wanted), cursorOf);
  const rows =
    order.by === 'due'
      ? await byStart(database, query, order, wanted)
      : await byPriority(database, query, order, wanted);
  return placesOf(rows, (key) => sortCursor(order, key));
}

async function pageOf(
  database: Database,
  query: JobQuery,
  { all, cursor }: Places<Identified>,
): Promise<Page<JobRecord>> {
  const page = await fitting(database, all.slice(0, query.limit), query.maxBytes);
  const jobs = await readJobs(
    database,
    page.map(({ id }) => id),
  );
  const items = page.flatMap(({ id }) => {
    const job = jobs.get(id)?.job;
    // The job may have changed since it was found.
    return job && isIn(job.state, query.states) && (!query.deadLetter || job.deadLetter) ? [job] : [];
  });
  return { items, next: all.length > page.length ? cursor(page.length - 1) : null };
}

async function byCreation(
  database: Database,
  query: JobQuery,
  { direction }: JobOrder,
  wanted: number,
): Promise<readonly Found[]> {
  const up = direction === 'asc';
  const after = query.after === undefined ? null : readCursor(query.after);
  let rows: readonly Found[] = [];
  for (const part of up ? [finished, unfinished] : [unfinished, finished]) {
    if (rows.length >= wanted) break;
    // A job that ends between the two reads is in both.
    const seen = new Set(rows.map(({ id }) => id));
    const read = await part(database, query, { up, after, wanted: wanted - rows.length });
    rows = rows.concat(read.filter(({ id }) => !seen.has(id)));
  }
  return rows;
}

interface Found extends Place, Identified {}

/** As many of the jobs as fit; the first one always does. */
async function fitting(
  database: Database,
  found: readonly Identified[],
  maxBytes?: number,
): Promise<readonly Identified[]> {
  if (maxBytes === undefined || found.length === 0) return found;
  const rows = await database.all(sizes, [uuids(found.map(({ id }) => id))]);
  const sizeOf = new Map(rows.map(({ id, size }) => [id, size]));
  const bytes = new ByteBudget(maxBytes);
  return found.filter(({ id }) => bytes.take(sizeOf.get(id) ?? 0));
}

/** A list from a place on. */
interface Walk {
  readonly up: boolean;
  /** Null for the start of the list. */
  readonly after: Place | null;
  readonly wanted: number;
}

async function unfinished(database: Database, query: JobQuery, { up, after, wanted }: Walk): Promise<readonly Found[]> {
  const mask = query.states & ~Terminal;
  const isBehind = after !== null && after.finishedAt !== null && !up;
  if (mask === 0 || query.deadLetter || isBehind) return [];
  const from = after?.finishedAt === null ? after.number : up ? 0 : most;
  const values = [query.queue ?? null, query.type ?? null, from, wanted];
  const { walkDue, fewDue, walkReady, fewReady, active, unfinished, retryableBy } = directions[up ? 'asc' : 'desc'];
  const { fingerprint } = query;
  if (fingerprint !== undefined) {
    if (!isIn(State.retryable, mask)) return [];
    return database.all({ text: retryableBy(fingerprint), read }, [...values, fingerprint]);
  }
  const states = Object.values(State).filter((state) => isIn(state, mask & standsInDue));
  const isFew = (await counted(database, mask, query.queue)) <= few;
  const tables = [
    ...(states.length > 0 ? [isFew ? fewDue : walkDue] : []),
    ...(isIn(State.available, mask) ? [isFew && query.queue !== undefined ? fewReady : walkReady] : []),
    ...(isIn(State.active, mask) ? [active] : []),
  ];
  return database.all({ text: unfinished(tables), read }, states.length > 0 ? [...values, states] : values);
}

const standsInDue = State.scheduled | State.retryable | State.pending;

async function finished(database: Database, query: JobQuery, { up, after, wanted }: Walk): Promise<readonly Found[]> {
  const mask = query.states & Terminal;
  if (up && after?.finishedAt === null) return [];
  const { finished, dead, discardedBy, deadBy } = directions[up ? 'asc' : 'desc'];
  const start = up ? { finishedAt: -most, number: 0 } : { finishedAt: most, number: most };
  const { finishedAt, number } = after === null || after.finishedAt === null ? start : after;
  const values = [query.queue ?? null, query.type ?? null, number, wanted, finishedAt];
  const { fingerprint } = query;
  if (fingerprint !== undefined) {
    if (!isIn(State.discarded, mask)) return [];
    const statement = query.deadLetter ? deadBy(fingerprint) : discardedBy(fingerprint);
    return database.all({ text: statement, read }, [...values, fingerprint]);
  }
  if (query.deadLetter) return isIn(State.discarded, mask) ? database.all({ text: dead, read }, values) : [];
  const states = [State.completed, State.cancelled, State.discarded].filter((state) => isIn(state, mask));
  const rows = await Promise.all(states.map((state) => database.all({ text: finished, read }, [...values, state])));
  const sign = up ? -1 : 1;
  return rows
    .flat()
    .sort((a, b) => sign * comparePlaces(a, b))
    .slice(0, wanted);
}

async function byStart(
  database: Database,
  query: JobQuery,
  order: JobOrder,
  wanted: number,
): Promise<readonly Keyed[]> {
  const up = goesUp(order);
  const start = up ? { first: -most, second: 0 } : { first: most, second: most };
  const { first, second } = query.after === undefined ? start : readSortCursor(order, query.after);
  const values = [query.queue ?? null, query.type ?? null, second, wanted, first];
  const states = [State.scheduled, State.retryable].filter((state) => isIn(state, query.states));
  const { due } = directions[up ? 'asc' : 'desc'];
  const rows = await Promise.all(states.map((state) => database.all({ text: due, read }, [...values, state])));
  const sign = up ? 1 : -1;
  return rows
    .flat()
    .map(({ id, number, finishedAt }) => ({ id, first: finishedAt ?? 0, second: number }))
    .sort((a, b) => sign * compareKeys(a, b))
    .slice(0, wanted);
}

async function counted(database: Database, mask: StateMask, queue: string | undefined): Promise<number> {
  const sum = stateNames(mask).join(' + ');
  const count = await database.value(
    `SELECT coalesce(sum(${sum}), 0)::int FROM ojs.counts WHERE $1::text IS NULL OR queue = $1`,
    [queue ?? null],
  );
  return integer(count);
}
