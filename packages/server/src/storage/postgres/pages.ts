import { type LimitNumbers, type Millis, parseNumbers } from '@ojs-ts/core';
import { texts } from './arrays.ts';
import { joined } from './joined.ts';
import { type Cells, integer, readTexts, text, textOrNull } from './row.ts';
import type { Transaction } from './transaction.ts';

/** How much of what others have changed of limits and lanes one transaction takes over. */
export interface Pages {
  /** Keys in one page, and as many lanes, each with all its changes among the first {@link changesEach} times as many. */
  readonly keys: number;
  /** Pages of one transaction, where claims get less than they ask for. */
  readonly most: number;
  /** Changes of limits or of lanes from which on upkeep takes them over as well. */
  readonly upkeepFrom: number;
}

/** A page is some tens of milliseconds' worth. */
export const usualPages: Pages = { keys: 200, most: 8, upkeepFrom: 200 };

/** A change of a key that is taken over anyway costs a twentieth of it. */
const changesEach = 10;

/** What others have changed of the numbers under one key. */
export interface LimitChange {
  readonly key: string;
  readonly waiting: number;
  readonly active: number;
  readonly jobs: number;
  /** The newest numbers that came with a job; null where none did. */
  readonly own: LimitNumbers | null;
  readonly usedAt: Millis;
  /** Changes that this is the sum of. */
  readonly rows: number;
}

/** A place in the order of a queue. */
export interface Head {
  readonly priority: number;
  readonly place: number;
}

export interface TouchedLane {
  readonly line: string;
  readonly queue: string;
  readonly keys: readonly string[];
  /** The group that it stands in; null where it is new. */
  readonly key: string | null;
}

export interface LanePage {
  readonly touched: readonly TouchedLane[];
  /** By queue, from where on jobs may stand in lanes that are not known yet. */
  readonly unknown: ReadonlyMap<string, Head>;
  /** Whether there may be others besides. */
  readonly more: boolean;
}

const sums = `SELECT key, sum(waiting)::int, sum(active)::int, sum(jobs)::int, (array_agg(own ORDER BY number DESC) FILTER (WHERE own IS NOT NULL))[1],
    max(used_at), count(*)`;
/** The first keys of the oldest changes; tells also how many changes were looked at. */
const oldestOfLimits = `WITH oldest AS MATERIALIZED (
    SELECT row, dense_rank() OVER (ORDER BY first) > $2 AS stays FROM (
      SELECT row, min(number) OVER (PARTITION BY key) AS first
      FROM (SELECT ctid AS row, key, number FROM ojs.limit_changes ORDER BY number LIMIT $1) AS change) AS ranked),
  gone AS (DELETE FROM ojs.limit_changes WHERE ctid = ANY (ARRAY (SELECT row FROM oldest WHERE NOT stays)) RETURNING *)
  ${sums}, (SELECT count(*) FROM oldest) FROM gone GROUP BY key`;
const ofKeys = `WITH gone AS (DELETE FROM ojs.limit_changes WHERE key = ANY ($1::text[]) RETURNING *) ${sums} FROM gone GROUP BY key`;

const ofLanes = (changes: string) => `WITH found AS MATERIALIZED (${changes}),
  gone AS (DELETE FROM ojs.lane_changes WHERE ctid = ANY (ARRAY (SELECT row FROM found WHERE NOT stays)))
  SELECT touched.line, touched.queue, touched.keys, lanes.key, NULL::int, NULL::bigint
  FROM (SELECT DISTINCT line, queue, keys FROM found WHERE NOT stays) AS touched LEFT JOIN ojs.lanes ON ${joined('lanes.line', 'touched.line')}
  UNION ALL
  SELECT NULL, queue, NULL, NULL, priority, place FROM (SELECT DISTINCT ON (queue) queue, priority, place FROM found WHERE stays ORDER BY queue, at) AS staying`;
/** Of each queue the first lanes; the change behind all that is looked at stays. */
const firstOfLanes = ofLanes(`SELECT first.* FROM unnest($1::text[]) AS asked (queue), LATERAL (
    SELECT row, line, queue, keys, priority, place, at, at > $2 OR dense_rank() OVER (ORDER BY first) > $3 AS stays FROM (
      SELECT *, min(at) OVER (PARTITION BY line) AS first FROM (
        SELECT *, row_number() OVER (ORDER BY priority DESC, place) AS at FROM (
          SELECT ctid AS row, line, lane_changes.queue, keys, priority, place FROM ojs.lane_changes WHERE lane_changes.queue = asked.queue
          ORDER BY lane_changes.queue, priority DESC, place LIMIT $2 + 1) AS change) AS numbered) AS ranked) AS first`);
const anyOfLanes =
  ofLanes(`SELECT row, line, queue, keys, priority, place, at, at > $1 OR dense_rank() OVER (ORDER BY first) > $2 AS stays FROM (
    SELECT *, min(at) OVER (PARTITION BY line) AS first FROM (
      SELECT *, row_number() OVER (ORDER BY queue, number) AS at FROM (
        SELECT ctid AS row, line, queue, keys, priority, place, number FROM ojs.lane_changes ORDER BY queue, number LIMIT $1 + 1) AS change) AS numbered) AS ranked`);

/** Takes a page of the oldest changes of limits. */
export async function takeLimitChanges(
  tx: Transaction,
): Promise<{ readonly changes: readonly LimitChange[]; readonly more: boolean }> {
  const most = tx.pages.keys * changesEach;
  const rows = await tx.query(oldestOfLimits, [most, tx.pages.keys]);
  const changes = rows.map(readLimitChange);
  const seen = integer(rows[0]?.[7] ?? 0);
  return { changes, more: seen === most || changes.reduce((sum, { rows }) => sum + rows, 0) < seen };
}

/** Takes all changes under these keys. */
export async function takeLimitChangesOf(tx: Transaction, keys: readonly string[]): Promise<readonly LimitChange[]> {
  return (await tx.query(ofKeys, [texts(keys)])).map(readLimitChange);
}

/**
 * Takes changes of lanes, two pages at most or a little more: of these queues those that matter first, then any, so that an end of a job finds all queues
 * that wait for its slot.
 */
export async function takeLaneChanges(tx: Transaction, queues: readonly string[]): Promise<LanePage> {
  const { keys } = tx.pages;
  const each = Math.ceil(keys / queues.length);
  const [own, others] = await Promise.all([
    queues.length === 0 ? [] : tx.query(firstOfLanes, [texts(queues), each * changesEach, each]),
    tx.query(anyOfLanes, [keys * changesEach, keys]),
  ]);
  const lanes = [...own, ...others].filter(([line]) => line !== null).map(readLane);
  return {
    touched: [...new Map(lanes.map((lane) => [lane.line, lane])).values()],
    unknown: new Map(own.filter(([line]) => line === null).map((cells) => [text(cells[1]), readHead(cells)])),
    more: others.some(([line]) => line === null),
  };
}

function readLane([line, queue, keys, key]: Cells): TouchedLane {
  return { line: text(line), queue: text(queue), keys: readTexts(text(keys)), key: textOrNull(key) };
}

function readHead(cells: Cells): Head {
  return { priority: integer(cells[4]), place: integer(cells[5]) };
}

function readLimitChange([key, waiting, active, jobs, own, usedAt, rows]: Cells): LimitChange {
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
