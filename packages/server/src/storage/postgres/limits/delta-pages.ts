import type { Millis } from '@ojs-ts/core';
import type { LimitNumbers } from '@ojs-ts/core/job';
import { parseNumbers, type QueuePlace } from '@ojs-ts/core/lifecycle';
import { type Cells, integer, readTexts, text, textOrNull } from '../../cells.ts';
import { indexJoin, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';

/**
 * Deltas that a page looks at for each of its keys. One more delta of a key that is merged anyway costs a twentieth.
 */
const deltasEach = 10;

/** The deltas of one key, added up. */
export interface LimitDelta {
  readonly key: string;
  readonly waiting: number;
  readonly active: number;
  readonly jobs: number;
  /** The newest numbers that came with a job; null if none came. */
  readonly own: LimitNumbers | null;
  readonly usedAt: Millis;
  /** Rows added up. */
  readonly rows: number;
}

export interface TouchedGroup {
  readonly readyQueue: string;
  readonly queue: string;
  readonly keys: readonly string[];
  /** The key in whose waitlist the group is; null for a new group. */
  readonly waitlist: string | null;
}

export interface GroupPage {
  readonly touched: readonly TouchedGroup[];
  /** By queue, the position behind which jobs may wait in groups that are not merged yet. */
  readonly unknownFrom: ReadonlyMap<string, QueuePlace>;
  /** True if deltas of other queues may be left. */
  readonly more: boolean;
}

const sums = `SELECT key, sum(waiting)::int, sum(active)::int, sum(jobs)::int, (array_agg(own
  ORDER BY number DESC) FILTER (WHERE own IS NOT NULL))[1],
    max(used_at), count(*)`;
/** The first keys of the oldest deltas; the last column is how many deltas were looked at. */
const takeOldestKeys = `WITH oldest AS MATERIALIZED (
    SELECT row, dense_rank() OVER (ORDER BY first) > $2 AS stays FROM (
      SELECT row, min(number) OVER (PARTITION BY key) AS first
      FROM (SELECT ctid AS row, key, number FROM ojs.limit_changes ORDER BY number LIMIT $1) AS change) AS ranked),
  gone AS (DELETE FROM ojs.limit_changes WHERE ctid = ANY (ARRAY (SELECT row FROM oldest WHERE NOT stays)) RETURNING *)
  ${sums}, (SELECT count(*) FROM oldest) FROM gone GROUP BY key`;
const takeKeys = `WITH gone AS (DELETE FROM ojs.limit_changes WHERE key = ANY ($1::text[]) RETURNING *) ${sums}
  FROM gone GROUP BY key`;

const takeGroups = (changes: string) => `WITH found AS MATERIALIZED (${changes}),
  gone AS (DELETE FROM ojs.limit_group_changes WHERE ctid = ANY (ARRAY (SELECT row FROM found WHERE NOT stays)))
  SELECT touched.ready_queue, touched.queue, touched.keys, limit_groups.waitlist, NULL::int, NULL::bigint
  FROM (SELECT DISTINCT ready_queue, queue, keys FROM found WHERE NOT stays) AS touched
  LEFT JOIN ojs.limit_groups ON ${indexJoin('limit_groups.ready_queue', 'touched.ready_queue')}
  UNION ALL
  SELECT NULL, queue, NULL, NULL, priority, place FROM (SELECT DISTINCT ON (queue) queue, priority, place FROM found
  WHERE stays ORDER BY queue, at) AS staying`;
/** The first groups of each queue; the delta behind those that are looked at stays. */
const takeFirstGroups = takeGroups(`SELECT first.* FROM unnest($1::text[]) AS asked (queue), LATERAL (
    SELECT row, ready_queue, queue, keys, priority, place, at,
      at > $2 OR dense_rank() OVER (ORDER BY first) > $3 AS stays
    FROM (
      SELECT *, min(at) OVER (PARTITION BY ready_queue) AS first FROM (
        SELECT *, row_number() OVER (ORDER BY priority DESC, place) AS at FROM (
          SELECT ctid AS row, ready_queue, limit_group_changes.queue, keys, priority, place
          FROM ojs.limit_group_changes WHERE limit_group_changes.queue = asked.queue
          ORDER BY limit_group_changes.queue, priority DESC, place LIMIT $2 + 1) AS change
      ) AS numbered) AS ranked) AS first`);
const takeAnyGroups = takeGroups(`SELECT row, ready_queue, queue, keys, priority, place, at, at > $1
    OR dense_rank() OVER (ORDER BY first) > $2 AS stays FROM (
    SELECT *, min(at) OVER (PARTITION BY ready_queue) AS first FROM (
      SELECT *, row_number() OVER (ORDER BY queue, number) AS at FROM (
        SELECT ctid AS row, ready_queue, queue, keys, priority, place, number FROM ojs.limit_group_changes
        ORDER BY queue, number LIMIT $1 + 1) AS change) AS numbered) AS ranked`);

/** Takes a page of the oldest deltas of keys. */
export async function takeOldestKeyDeltas(
  tx: Transaction,
): Promise<{ readonly deltas: readonly LimitDelta[]; readonly more: boolean }> {
  const most = tx.pages.keys * deltasEach;
  const rows = await tx.query(takeOldestKeys, [most, tx.pages.keys]);
  const deltas = rows.map(readLimitDelta);
  const seen = integer(rows[0]?.[7] ?? 0);
  return { deltas, more: seen === most || deltas.reduce((sum, { rows }) => sum + rows, 0) < seen };
}

/** Takes all deltas of these keys. */
export async function takeKeyDeltas(tx: Transaction, keys: readonly string[]): Promise<readonly LimitDelta[]> {
  return (await tx.query(takeKeys, [texts(keys)])).map(readLimitDelta);
}

/**
 * Takes deltas of limit groups, about two pages at most: first those of these queues in claim order, then any others,
 * so that the end of a job finds every queue that waits for its slot.
 */
export async function takeGroupDeltas(tx: Transaction, queues: readonly string[]): Promise<GroupPage> {
  const { keys } = tx.pages;
  const each = Math.ceil(keys / queues.length);
  const [own, others] = await Promise.all([
    queues.length === 0 ? [] : tx.query(takeFirstGroups, [texts(queues), each * deltasEach, each]),
    tx.query(takeAnyGroups, [keys * deltasEach, keys]),
  ]);
  const groups = [...own, ...others].filter(([readyQueue]) => readyQueue !== null).map(readTouchedGroup);
  return {
    touched: [...new Map(groups.map((group) => [group.readyQueue, group])).values()],
    unknownFrom: new Map(
      own.filter(([readyQueue]) => readyQueue === null).map((cells) => [text(cells[1]), readPlace(cells)]),
    ),
    more: others.some(([readyQueue]) => readyQueue === null),
  };
}

function readTouchedGroup([readyQueue, queue, keys, waitlist]: Cells): TouchedGroup {
  return {
    readyQueue: text(readyQueue),
    queue: text(queue),
    keys: readTexts(text(keys)),
    waitlist: textOrNull(waitlist),
  };
}

function readPlace(cells: Cells): QueuePlace {
  return { priority: integer(cells[4]), place: integer(cells[5]) };
}

function readLimitDelta([key, waiting, active, jobs, own, usedAt, rows]: Cells): LimitDelta {
  return {
    key: text(key),
    waiting: integer(waiting),
    active: integer(active),
    jobs: integer(jobs),
    own: own === null ? null : parseNumbers(text(own)),
    usedAt: integer(usedAt),
    rows: integer(rows),
  };
}
