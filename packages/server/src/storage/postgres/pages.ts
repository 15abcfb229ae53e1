import type { LimitNumbers, Millis } from '@ojs-ts/core';
import { parseNumbers } from '../limits.ts';
import { texts } from './arrays.ts';
import { joined } from './joined.ts';
import { type Cells, integer, readTexts, text, textOrNull } from './row.ts';
import type { Transaction } from './transaction.ts';

/** How much of what others have changed of limits and lanes one transaction takes over. */
export interface Pages {
  /** Changes of limits in one page, and as many of lanes. */
  readonly rows: number;
  /** Pages of one transaction, where claims get less than they ask for. */
  readonly most: number;
}

/** A page is some tens of milliseconds' worth where each change is of a key of its own. */
export const usualPages: Pages = { rows: 500, most: 8 };

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
    max(used_at), count(*) FROM gone GROUP BY key`;
const oldestOfLimits = `WITH gone AS (
    DELETE FROM ojs.limit_changes WHERE ctid = ANY (ARRAY (SELECT ctid FROM ojs.limit_changes ORDER BY number LIMIT $1)) RETURNING *) ${sums}`;
const ofKeys = `WITH gone AS (DELETE FROM ojs.limit_changes WHERE key = ANY ($1::text[]) RETURNING *) ${sums}`;

const group = `LEFT JOIN ojs.lanes ON ${joined('lanes.line', 'found.line')}`;
const anyOfLanes = `WITH found AS MATERIALIZED (SELECT ctid AS row, line, queue, keys FROM ojs.lane_changes ORDER BY queue, number LIMIT $1),
  gone AS (DELETE FROM ojs.lane_changes WHERE ctid = ANY (ARRAY (SELECT row FROM found)))
  SELECT found.line, found.queue, found.keys, lanes.key FROM found ${group}`;
/** One more for each queue than is taken. */
const firstOfLanes = `WITH found AS MATERIALIZED (
    SELECT first.*, row_number() OVER (PARTITION BY first.queue ORDER BY first.priority DESC, first.place) > $2 AS stays
    FROM unnest($1::text[]) AS asked (queue), LATERAL (
      SELECT ctid AS row, line, lane_changes.queue, keys, priority, place FROM ojs.lane_changes WHERE lane_changes.queue = asked.queue
      ORDER BY lane_changes.queue, priority DESC, place LIMIT $2 + 1) AS first),
  gone AS (DELETE FROM ojs.lane_changes WHERE ctid = ANY (ARRAY (SELECT row FROM found WHERE NOT stays)))
  SELECT found.line, found.queue, found.keys, lanes.key, found.priority, found.place, stays FROM found ${group}`;

/** Takes the oldest changes of limits, at most a page. */
export async function takeLimitChanges(tx: Transaction): Promise<readonly LimitChange[]> {
  return (await tx.query(oldestOfLimits, [tx.pages.rows])).map(readLimitChange);
}

/** Takes all changes under these keys. */
export async function takeLimitChangesOf(tx: Transaction, keys: readonly string[]): Promise<readonly LimitChange[]> {
  return (await tx.query(ofKeys, [texts(keys)])).map(readLimitChange);
}

/**
 * Takes changes of lanes, at most two pages or a little more: of these queues those that matter first, then any, so that an end of a job finds
 * all queues that wait for its slot.
 */
export async function takeLaneChanges(tx: Transaction, queues: readonly string[]): Promise<LanePage> {
  const [own, others] = await Promise.all([
    queues.length === 0 ? [] : tx.query(firstOfLanes, [texts(queues), Math.ceil(tx.pages.rows / queues.length)]),
    tx.query(anyOfLanes, [tx.pages.rows]),
  ]);
  const staying = own.filter((cells) => cells[6] === true);
  const unknown = staying.map((cells): [string, Head] => [text(cells[1]), { priority: integer(cells[4]), place: integer(cells[5]) }]);
  return {
    touched: lanesIn([...own.filter((cells) => cells[6] !== true), ...others]),
    unknown: new Map(unknown),
    more: others.length === tx.pages.rows,
  };
}

/** Each once, however often it has changed. */
function lanesIn(rows: readonly Cells[]): readonly TouchedLane[] {
  const lanes = rows.map(([line, queue, keys, key]) => ({
    line: text(line),
    queue: text(queue),
    keys: readTexts(text(keys)),
    key: textOrNull(key),
  }));
  return [...new Map(lanes.map((lane) => [lane.line, lane])).values()];
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
