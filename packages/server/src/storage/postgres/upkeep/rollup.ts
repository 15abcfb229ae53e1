import type { Millis } from '@ojs-ts/core';
import { stateNames } from '@ojs-ts/core/job';
import { integer } from '../../cells.ts';
import { sumColumns } from '../../rows.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin } from '../connection/sql.ts';
import { LimitGroups } from '../limits/limit-groups.ts';
import { addUp } from '../registry/statistics.ts';

/** Rows from which on adding up is worth it. */
const many = 200;
/** Rows that one transaction replaces. */
const atOnce = 20_000;
/** Pages of limit deltas or minutes that one call merges, each in a transaction of its own. */
const mostPages = 50;

const counts = [...stateNames(0xff), 'dead_letter'];
const rollUpCounts = `WITH gone AS (
    DELETE FROM ojs.counts WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM ojs.counts WHERE queue = ANY (ARRAY (SELECT queue FROM ojs.counts
      GROUP BY queue HAVING count(*) > 1))
      ORDER BY queue, number LIMIT ${atOnce} FOR UPDATE SKIP LOCKED))
    RETURNING *)
  INSERT INTO ojs.counts (number, queue, at, ${counts.join(', ')}) SELECT min(number), queue, (array_agg(at
    ORDER BY number))[1], ${counts.map((name) => `sum(${name})`).join(', ')} FROM gone GROUP BY queue`;
const columns = ['minute', 'queue', 'type', ...sumColumns, 'codes', 'counts'].join(', ');
const rollUpMinutes = `WITH gone AS (
    DELETE FROM ojs.minutes WHERE ctid = ANY (ARRAY (
      SELECT minutes.ctid FROM (
        SELECT minute, queue, type FROM (SELECT minute, queue, type FROM ojs.minutes
        ORDER BY minute DESC, queue DESC, type DESC, number DESC LIMIT ${many * 20}) AS newest
        GROUP BY minute, queue, type HAVING count(*) > 1) AS split
      JOIN ojs.minutes ON ${indexJoin('minutes.minute', 'split.minute')}
      AND ${indexJoin('minutes.queue', 'split.queue')} AND ${indexJoin('minutes.type', 'split.type')}
      FOR UPDATE OF minutes SKIP LOCKED))
    RETURNING *),
  ${addUp('gone')},
  written AS (INSERT INTO ojs.minutes (${columns}) SELECT ${columns} FROM added)
  SELECT count(*) FROM gone`;
/** Reads whether counts and limit deltas have piled up. A queue with one row of counts is added up already. */
const look = `SELECT (SELECT count(*) FROM (SELECT FROM ojs.counts LIMIT ${many}) AS few) >= ${many}
    AND (SELECT sum(rows - 1) FROM (SELECT count(*) AS rows FROM ojs.counts GROUP BY queue) AS each) >= ${many},
  (SELECT count(*) FROM (SELECT FROM ojs.limit_changes LIMIT $1) AS few) >= $1
    OR (SELECT count(*) FROM (SELECT FROM ojs.limit_group_changes LIMIT $1) AS few) >= $1`;

/**
 * Replaces many appended rows by their sums, so that reads stay fast. Rows that another process is adding up are left
 * to it.
 */
export async function rollUp(database: Database, now: Millis): Promise<void> {
  const [found] = await database.query(look, [database.pages.upkeepFrom]);
  if (found?.[0] === true) {
    await database.transact(now, async (tx) => tx.write(rollUpCounts));
    // A commit appends a row of counts for a queue, and a row of minutes for each of its types.
    for (let page = 0, more = true; more && page < mostPages; page++) {
      const [gone] = await database.transact(now, (tx) => tx.query(rollUpMinutes));
      more = integer(gone?.[0]) >= many;
    }
  }
  for (let page = 0, behind = found?.[1] === true; behind && page < mostPages; page++) {
    behind = await database.transact(now, async (tx) => (await LimitGroups.open(tx, now)).isBehind());
  }
}
