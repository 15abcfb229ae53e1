import { type EventBatch, type EventKind, indexedOnly, kindMask } from '@ojs-ts/core/events';
import { type Cells, integer, text } from '../../cells.ts';
import type { EventsRead } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin } from '../connection/sql.ts';

/** Batches that one transaction gives a position. */
const atOnce = 1000;

const unnumbered = 'SELECT 1 FROM ojs.events WHERE position IS NULL ORDER BY number LIMIT 1';
/** Locks the row of the store until the commit, so that positions become visible in their order. */
const hold = 'SELECT position FROM ojs.store FOR UPDATE';
const give = `WITH fresh AS MATERIALIZED (
    SELECT number, count, sum(count) OVER (ORDER BY number) AS upto
    FROM (SELECT number, count FROM ojs.events WHERE position IS NULL ORDER BY number LIMIT ${atOnce}) AS batch
  ), given AS (
    UPDATE ojs.events AS event SET position = $1 + fresh.upto - fresh.count + 1 FROM fresh
    WHERE ${indexJoin('event.number', 'fresh.number')} RETURNING event.count
  )
  UPDATE ojs.store SET position = position + (SELECT coalesce(sum(count), 0) FROM given)
  RETURNING (SELECT count(*) FROM given)`;

/** Entries of the index that one call looks at: about 30 ms. */
const look = 100_000;

/** In one moment with the batches: a prune between two reads would hide a gap. */
const ends = `SELECT (SELECT position FROM ojs.store) AS newest,
  (SELECT position FROM ojs.events WHERE position IS NOT NULL ORDER BY position LIMIT 1) AS oldest`;
const columns = 'position, at, count, entries';
/** The place of the batch that has the next position. */
const start = `coalesce((SELECT position FROM ojs.events WHERE position <= $1 ORDER BY position DESC LIMIT 1), 0)`;

interface Direction {
  readonly from: string;
  readonly order: string;
  /** The last of several positions. */
  readonly last: 'max' | 'min';
}

const up: Direction = { from: `position >= ${start}`, order: 'ORDER BY position', last: 'max' };
const down: Direction = { from: 'position < $1', order: 'ORDER BY position DESC', last: 'min' };

/** The batches from $1 on until they have $2 events. */
function following({ from, order }: Direction): string {
  return `SELECT newest, oldest, NULL, ${columns} FROM (${ends}) AS ends
    LEFT JOIN (SELECT ${columns}, sum(count) OVER (${order}) - count AS before FROM (
      SELECT ${columns} FROM ojs.events WHERE ${from} ${order} LIMIT $2) AS batch) AS summed ON before < $2
    ${order}`;
}

/**
 * Selects the batches with a kind of the mask $3. `bound` is the last position that was looked at, where the index has
 * more.
 */
function indexed({ from, order, last }: Direction): string {
  return `WITH looked AS MATERIALIZED (SELECT position, rare FROM ojs.events
      WHERE rare IS NOT NULL AND position IS NOT NULL AND ${from} ${order} LIMIT ${look}),
    wanted AS MATERIALIZED (SELECT position FROM looked WHERE rare & $3 <> 0 ${order} LIMIT $2)
    SELECT newest, oldest, bound, ${columns} FROM (${ends}) AS ends
    CROSS JOIN (SELECT CASE WHEN count(*) = ${look} THEN ${last}(position) END AS bound FROM looked) AS bounds
    LEFT JOIN (SELECT ${columns}, sum(count) OVER (${order}) - count AS before FROM (
      SELECT event.* FROM wanted CROSS JOIN LATERAL (
        SELECT ${columns} FROM ojs.events WHERE position = wanted.position LIMIT 1) AS event) AS batch) AS summed
          ON before < $2
    ${order}`;
}

const statements = {
  up: { following: following(up), indexed: indexed(up) },
  down: { following: following(down), indexed: indexed(down) },
} as const;

/**
 * Gives positions to committed batches without one. A number from a sequence cannot be a position: a transaction with
 * an earlier number may commit later, and a reader would have passed it.
 */
export async function numberEvents(database: Database): Promise<void> {
  for (let more = (await database.query(unnumbered)).length > 0; more; ) {
    more = await database.transact(0, async (tx) => {
      const [store] = await tx.query(hold);
      const [given] = await tx.query(give, [integer(store?.[0])]);
      return integer(given?.[0]) === atOnce;
    });
  }
}

export async function eventsAfter(
  database: Database,
  after: number,
  limit: number,
  kinds?: readonly EventKind[],
): Promise<EventsRead> {
  const { batches, bound, ...ends } = await read(database, 'up', after + 1, limit, kinds);
  const found = batches.filter((batch) => endOf(batch) > after);
  const last = batches.at(-1);
  const end = last ? endOf(last) : after;
  return {
    batches: found,
    ...ends,
    reached: isCut(batches, limit) ? end : bound === null ? ends.newest : Math.max(end, bound),
  };
}

export async function eventsBefore(
  database: Database,
  before: number,
  limit: number,
  kinds?: readonly EventKind[],
): Promise<EventsRead> {
  const { batches, bound, ...ends } = await read(database, 'down', before, limit, kinds);
  const end = batches.at(-1)?.position ?? before;
  return { batches, ...ends, reached: isCut(batches, limit) ? end : (bound ?? ends.oldest) };
}

async function read(
  database: Database,
  direction: 'up' | 'down',
  from: number,
  limit: number,
  kinds?: readonly EventKind[],
): Promise<Omit<EventsRead, 'reached'> & { readonly bound: number | null }> {
  await numberEvents(database);
  const wanted = indexedOnly(kinds);
  const { following, indexed } = statements[direction];
  const rows =
    wanted === null
      ? await database.query(following, [from, limit])
      : await database.query(indexed, [from, limit, kindMask(wanted)]);
  const batches = rows.flatMap((cells) => (cells[3] === null ? [] : [readBatch(cells)]));
  const [end, oldest, bound] = rows[0] ?? [];
  const newest = Math.max(integer(end), ...batches.map(endOf));
  return {
    batches,
    oldest: oldest === null ? newest + 1 : integer(oldest),
    newest,
    bound: bound === undefined || bound === null ? null : integer(bound),
  };
}

function isCut(batches: readonly EventBatch[], limit: number): boolean {
  return batches.reduce((sum, { count }) => sum + count, 0) >= limit;
}

function readBatch(cells: Cells): EventBatch {
  return { position: integer(cells[3]), at: integer(cells[4]), count: integer(cells[5]), entries: text(cells[6]) };
}

function endOf({ position, count }: EventBatch): number {
  return position + count - 1;
}
