import type { Millis } from '@ojs-ts/core';
import type { LimitNumbers } from '@ojs-ts/core/job';
import { countedStarts, effectiveLimit, limitedQueue, noNumbers, parseNumbers } from '@ojs-ts/core/lifecycle';
import { integer, text, textOrNull } from '../../cells.ts';
import type { LimitRecord, Registry } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { type Cells, indexJoin, isStorable, numbers, type Reader, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { LimitGroups } from './limit-groups.ts';

/** Limits with the deltas that are not merged yet. */
const records = `SELECT known.key, coalesce(changed.own, limits.own), limits.override, coalesce(limits.active,
  0) + coalesce(changed.active, 0),
    coalesce(limits.waiting, 0) + coalesce(changed.waiting, 0)
  FROM (SELECT key FROM ojs.limits UNION SELECT key FROM ojs.limit_changes) AS known
  LEFT JOIN ojs.limits ON ${indexJoin('limits.key', 'known.key')}
  LEFT JOIN LATERAL (SELECT sum(active)::int AS active, sum(waiting)::int AS waiting,
    (array_agg(own ORDER BY number DESC) FILTER (WHERE own IS NOT NULL))[1] AS own FROM ojs.limit_changes
    WHERE key = known.key) AS changed ON true`;
const byKey = `${records} WHERE known.key = $1`;
const page = `${records} WHERE known.key > $1 ORDER BY known.key OFFSET $2 LIMIT $3`;
const total = 'SELECT count(*) FROM (SELECT key FROM ojs.limits UNION SELECT key FROM ojs.limit_changes) AS known';
const newestStarts = `SELECT wanted.key, start.at FROM unnest($1::text[], $2::int[]) AS wanted (key, most), LATERAL (
    SELECT number, at FROM ojs.starts WHERE starts.key = wanted.key ORDER BY number DESC LIMIT wanted.most) AS start
    ORDER BY start.number`;
const wholeQueues =
  'SELECT queue, sum(active)::int, sum(available)::int FROM ojs.counts WHERE queue = ANY ($1::text[]) GROUP BY queue';

export function limits(database: Database): Pick<Registry, 'limits' | 'limit' | 'overrideLimit'> {
  const read: Reader = (text, values) => database.read(text, values);
  return {
    limits: (query) => list(read, query),
    limit: (key) => find(read, key),
    overrideLimit: (key, override, now) =>
      database.transact(now, async (tx) => {
        await setOverride(tx, await LimitGroups.open(tx, now), key, override, now);
        const record = await find((text, values) => tx.query(text, values), key);
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
  const [record] = await complete(read, await read(byKey, [key]));
  return record ?? null;
}

async function list(
  read: Reader,
  { after, offset = 0, limit }: Parameters<Registry['limits']>[0],
): Promise<Awaited<ReturnType<Registry['limits']>>> {
  // No key has a NUL, so the keys behind a text with one are those behind the part before it.
  const [from = ''] = (after ?? '').split('\0', 1);
  const [[counted], rows] = await Promise.all([
    read(total, []),
    read(page, [from, after === undefined ? offset : 0, limit + 1]),
  ]);
  const items = await complete(read, rows.slice(0, limit));
  return { items, next: rows.length > items.length ? (items.at(-1)?.key ?? null) : null, total: integer(counted?.[0]) };
}

/** Adds the starts, and the counts of queues that are limited as a whole. */
async function complete(read: Reader, rows: readonly Cells[]): Promise<readonly LimitRecord[]> {
  const found = rows.map((cells) => {
    const overriding = textOrNull(cells[2]);
    const override = overriding === null ? null : parseNumbers(overriding);
    const own = cells[1] === null ? noNumbers : parseNumbers(text(cells[1]));
    return { key: text(cells[0]), own, override, active: integer(cells[3]), waiting: integer(cells[4]) };
  });
  const queues = found.flatMap(({ key }) => limitedQueue(key) ?? []);
  const rated = found.map((record) => ({
    key: record.key,
    most: Math.max(0, ...effectiveLimit(record).rates.map(({ count }) => count)),
  }));
  const [starts, whole] = await Promise.all([
    rated.some(({ most }) => most > 0)
      ? read(newestStarts, [texts(rated.map(({ key }) => key)), numbers(rated.map(({ most }) => most))])
      : [],
    queues.length > 0 ? read(wholeQueues, [texts(queues)]) : [],
  ]);
  const startsOf = Map.groupBy(starts, (cells) => text(cells[0]));
  const countsOf = new Map(
    whole.map((cells) => [text(cells[0]), { active: integer(cells[1]), waiting: integer(cells[2]) }]),
  );
  return found.map((record) => {
    const queue = limitedQueue(record.key);
    const counts = queue === null ? null : (countsOf.get(queue) ?? { active: 0, waiting: 0 });
    const kept = (startsOf.get(record.key) ?? []).map((cells) => integer(cells[1]));
    return { ...record, ...counts, starts: countedStarts(effectiveLimit(record), kept) };
  });
}
