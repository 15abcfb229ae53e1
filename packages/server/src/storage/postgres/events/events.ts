import type { EventBatch } from '@ojs-ts/core';
import { integer, text } from '../../cells.ts';
import type { Storage } from '../../storage.ts';
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

/**
 * The ends of the log, and the batches from the one that holds the next position. In one moment: a prune between two
 * reads would hide a gap.
 */
const following = `SELECT newest, oldest, position, at, count, entries FROM (SELECT (SELECT position FROM ojs.store) AS newest,
      (SELECT position FROM ojs.events WHERE position IS NOT NULL ORDER BY position LIMIT 1) AS oldest) AS ends
  LEFT JOIN (SELECT position, at, count, entries, sum(count) OVER (ORDER BY position) - count AS before FROM (
      SELECT position, at, count, entries FROM ojs.events
      WHERE position >= coalesce((SELECT position FROM ojs.events WHERE position <= $1
      ORDER BY position DESC LIMIT 1), 0)
      ORDER BY position LIMIT $2) AS batch) AS summed ON before < $2
  ORDER BY position`;

/**
 * Gives positions to committed batches without one. A number from a sequence cannot be a position: a transaction with
 * an earlier number may commit later, and a reader would have passed it.
 */
export async function numberEvents(database: Database): Promise<void> {
  for (let more = (await database.read(unnumbered)).length > 0; more; ) {
    more = await database.transact(0, async (tx) => {
      const [store] = await tx.query(hold);
      const [given] = await tx.query(give, [integer(store?.[0])]);
      return integer(given?.[0]) === atOnce;
    });
  }
}

export async function events(
  database: Database,
  after: number,
  limit: number,
): Promise<Awaited<ReturnType<Storage['events']>>> {
  await numberEvents(database);
  const rows = await database.read(following, [after + 1, limit]);
  const batches = rows
    .filter(([, , position]) => position !== null)
    .map(
      (cells): EventBatch => ({
        position: integer(cells[2]),
        at: integer(cells[3]),
        count: integer(cells[4]),
        entries: text(cells[5]),
      }),
    )
    .filter(({ position, count }) => position + count - 1 > after);
  const last = batches.at(-1);
  const [end, oldest] = rows[0] ?? [];
  const newest = Math.max(integer(end), last ? last.position + last.count - 1 : 0);
  return { batches, oldest: oldest === null ? newest + 1 : integer(oldest), newest };
}
