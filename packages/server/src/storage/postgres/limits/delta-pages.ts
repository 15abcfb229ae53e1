import type { Millis } from '@ojs-ts/core';
import type { LimitNumbers } from '@ojs-ts/core/job';
import { parseNumbers, type QueuePlace } from '@ojs-ts/core/lifecycle';
import { type Cells, integer, readTexts, text, textOrNull } from '../../cells.ts';
import { indexJoin, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';

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
const takeOldestKeys = `WITH gone AS (DELETE FROM ojs.limit_changes
    WHERE ctid = ANY (ARRAY (SELECT ctid FROM ojs.limit_changes ORDER BY number LIMIT $1)) RETURNING *)
  ${sums} FROM gone GROUP BY key`;
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
/** The first deltas of each queue; the one behind those that are taken stays. */
const takeFirstGroups = takeGroups(`SELECT first.* FROM unnest($1::text[]) AS asked (queue), LATERAL (
    SELECT *, row_number() OVER (ORDER BY priority DESC, place) AS at,
      row_number() OVER (ORDER BY priority DESC, place) > $2 AS stays FROM (
      SELECT ctid AS row, ready_queue, limit_group_changes.queue, keys, priority, place
      FROM ojs.limit_group_changes WHERE limit_group_changes.queue = asked.queue
      ORDER BY limit_group_changes.queue, priority DESC, place LIMIT $2 + 1) AS change) AS first`);
const takeAnyGroups = takeGroups(`SELECT *, row_number() OVER (ORDER BY queue, number) AS at,
    row_number() OVER (ORDER BY queue, number) > $1 AS stays FROM (
    SELECT ctid AS row, ready_queue, queue, keys, priority, place, number FROM ojs.limit_group_changes
    ORDER BY queue, number LIMIT $1 + 1) AS change`);

/** Takes a page of the oldest deltas of keys. The page may have only some deltas of a key. */
export async function takeOldestKeyDeltas(
  tx: Transaction,
): Promise<{ readonly deltas: readonly LimitDelta[]; readonly more: boolean }> {
  const deltas = (await tx.query(takeOldestKeys, [tx.pages.deltas])).map(readLimitDelta);
  return { deltas, more: deltas.reduce((sum, { rows }) => sum + rows, 0) === tx.pages.deltas };
}

/** Takes all deltas of these keys. */
export async function takeKeyDeltas(tx: Transaction, keys: readonly string[]): Promise<readonly LimitDelta[]> {
  return (await tx.query(takeKeys, [texts(keys)])).map(readLimitDelta);
}

/**
 * Takes deltas of limit groups, two pages at most: first those of these queues in claim order, then any others, so that
 * the end of a job finds every queue that waits for its slot.
 */
export async function takeGroupDeltas(tx: Transaction, queues: readonly string[]): Promise<GroupPage> {
  const { deltas } = tx.pages;
  const [own, others] = await Promise.all([
    queues.length === 0 ? [] : tx.query(takeFirstGroups, [texts(queues), Math.ceil(deltas / queues.length)]),
    tx.query(takeAnyGroups, [deltas]),
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
