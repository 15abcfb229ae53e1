import type { Millis } from '@ojs-ts/core';
import type { LimitNumbers } from '@ojs-ts/core/job';
import { countedStarts, effectiveLimit, limitedQueue, noNumbers } from '@ojs-ts/core/lifecycle';
import { integer, text } from '../../cells.ts';
import { columns } from '../../columns.ts';
import { limitNumbers, limitNumbersOrNull } from '../../rows.ts';
import type { LimitRecord, Registry } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin, isStorable, numbers, type Reader, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { LimitGroups } from './limit-groups.ts';

const records = columns({
  key: ['known.key', text],
  own: ['coalesce(changed.own, limits.own)', (cell) => (cell === null ? noNumbers : limitNumbers(cell))],
  override: ['limits.override', limitNumbersOrNull],
  active: ['coalesce(limits.active, 0) + coalesce(changed.active, 0)', integer],
  waiting: ['coalesce(limits.waiting, 0) + coalesce(changed.waiting, 0)', integer],
});
/** Limits with the deltas that are not merged yet; `keys` is a table of keys. */
const known = (keys: string, rest: string) =>
  records.from(`${keys} AS known
  LEFT JOIN ojs.limits ON ${indexJoin('limits.key', 'known.key')}
  LEFT JOIN LATERAL (SELECT sum(active)::int AS active, sum(waiting)::int AS waiting,
    (array_agg(own ORDER BY number DESC) FILTER (WHERE own IS NOT NULL))[1] AS own FROM ojs.limit_changes
    WHERE key = known.key) AS changed ON true ${rest}`);
/** The keys of deltas, one look-up each however many deltas a key has. */
const unmerged = (after: string) => `WITH RECURSIVE unmerged AS (
    (SELECT key FROM ojs.limit_changes WHERE key > ${after} ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT key FROM ojs.limit_changes WHERE key > unmerged.key ORDER BY key LIMIT 1)
    FROM unmerged WHERE key IS NOT NULL)`;
const byKey = known(
  '(SELECT $1::text AS key)',
  'WHERE limits.key IS NOT NULL OR EXISTS (SELECT FROM ojs.limit_changes WHERE key = $1)',
);
/** Both parts stop after the rows that the page may need. */
const page = known(
  `(SELECT key FROM ((SELECT key FROM ojs.limits WHERE key > $1 ORDER BY key LIMIT $2::bigint + $3)
    UNION (${unmerged('$1')} SELECT key FROM unmerged WHERE key IS NOT NULL LIMIT $2::bigint + $3)) AS either
    ORDER BY key OFFSET $2 LIMIT $3)`,
  'ORDER BY known.key',
);
const countKeys = `SELECT (SELECT count(*) FROM ojs.limits) + (${unmerged("''")} SELECT count(*) FROM unmerged
  WHERE key IS NOT NULL AND NOT EXISTS (SELECT FROM ojs.limits WHERE limits.key = unmerged.key OFFSET 0))`;
/** To count so many keys takes a millisecond or two. */
const manyKeys = 10_000;
const keptMs = 10_000;
const newestStarts = columns({
  key: ['wanted.key', text],
  at: ['start.at', integer],
}).from(`unnest($1::text[], $2::int[]) AS wanted (key, most), LATERAL (
    SELECT number, at FROM ojs.starts WHERE starts.key = wanted.key ORDER BY number DESC LIMIT wanted.most) AS start
    ORDER BY start.number`);
const wholeQueues = columns({
  queue: text,
  active: ['sum(active)::int', integer],
  waiting: ['sum(available)::int', integer],
}).from('ojs.counts WHERE queue = ANY ($1::text[]) GROUP BY queue');

export function limits(database: Database): Pick<Registry, 'limits' | 'limit' | 'overrideLimit'> {
  const total = keyCount(database);
  return {
    limits: (query) => list(database, query, total),
    limit: (key) => find(database, key),
    overrideLimit: (key, override, now) =>
      database.transact(now, async (tx) => {
        await setOverride(tx, await LimitGroups.open(tx, now), key, override, now);
        const record = await find(tx, key);
        if (!record) throw new Error(`Limit ${key} vanished within a transaction.`);
        return record;
      }),
  };
}

/** Sets or removes an operator's numbers, and wakes the queues whose jobs may start by them. */
export async function setOverride(
  tx: Transaction,
  groups: LimitGroups,
  key: string,
  override: LimitNumbers | null,
  now: Millis,
): Promise<void> {
  await groups.limits.load([key]);
  groups.limits.override(key, override, now);
  const eased = [...groups.limits.eased];
  await groups.updateClosing();
  groups.limits.flush();
  if (eased.length > 0) for (const queue of await groups.queuesUnder(eased)) tx.woken.add(queue);
}

async function find(read: Reader, key: string): Promise<LimitRecord | null> {
  if (!isStorable(key)) return null;
  const [record] = await complete(read, await read.all(byKey, [key]));
  return record ?? null;
}

/** Counts the keys; a count of many is kept for a while. */
function keyCount(read: Reader): () => Promise<number> {
  let kept = 0;
  let until = 0;
  return async () => {
    if (performance.now() < until) return kept;
    kept = integer(await read.value(countKeys));
    until = kept < manyKeys ? 0 : performance.now() + keptMs;
    return kept;
  };
}

async function list(
  read: Reader,
  { after, offset = 0, limit }: Parameters<Registry['limits']>[0],
  total: () => Promise<number>,
): Promise<Awaited<ReturnType<Registry['limits']>>> {
  // No key has a NUL, so the keys behind a text with one are those behind the part before it.
  const [from = ''] = (after ?? '').split('\0', 1);
  const [count, rows] = await Promise.all([
    total(),
    read.all(page, [from, after === undefined ? offset : 0, limit + 1]),
  ]);
  const items = await complete(read, rows.slice(0, limit));
  return { items, next: rows.length > items.length ? (items.at(-1)?.key ?? null) : null, total: count };
}

/** Adds the starts, and the counts of queues that are limited as a whole. */
async function complete(
  read: Reader,
  found: readonly ReturnType<typeof records.read>[],
): Promise<readonly LimitRecord[]> {
  const queues = found.flatMap(({ key }) => limitedQueue(key) ?? []);
  const rated = found.map((record) => ({
    key: record.key,
    most: Math.max(0, ...effectiveLimit(record).rates.map(({ count }) => count)),
  }));
  const [starts, whole] = await Promise.all([
    rated.some(({ most }) => most > 0)
      ? read.all(newestStarts, [texts(rated.map(({ key }) => key)), numbers(rated.map(({ most }) => most))])
      : [],
    queues.length > 0 ? read.all(wholeQueues, [texts(queues)]) : [],
  ]);
  const startsOf = Map.groupBy(starts, ({ key }) => key);
  const countsOf = new Map(whole.map(({ queue, ...counts }) => [queue, counts]));
  return found.map((record) => {
    const queue = limitedQueue(record.key);
    const counts = queue === null ? null : (countsOf.get(queue) ?? { active: 0, waiting: 0 });
    const kept = (startsOf.get(record.key) ?? []).map(({ at }) => at);
    return { ...record, ...counts, starts: countedStarts(effectiveLimit(record), kept) };
  });
}
