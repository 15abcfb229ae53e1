import type { Millis } from '@ojs-ts/core';
import { queueEventEntry } from '@ojs-ts/core/events';
import { type LimitNumbers, noConfig, queueLimitKey, stateNames } from '@ojs-ts/core/job';
import { countedStarts, effectiveLimit, limitedQueue } from '@ojs-ts/core/lifecycle';
import { integer, integerOrNull, text } from '../cells.ts';
import { columns } from '../columns.ts';
import { limitNumbers, limitNumbersOrNull, queueColumns, queueRecord } from '../rows.ts';
import type { LimitRecord, QueuePatch, QueueRecord, Registry } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { oldest } from './oldest.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

const limitColumns = columns({
  key: text,
  own: limitNumbers,
  override: limitNumbersOrNull,
  active: integer,
  waiting: integer,
});
const wholeQueue = columns({ active: integer, waiting: ['available', integer] }).from('ojs_queues WHERE name = ?');

type Queues = Pick<
  Registry,
  | 'queues'
  | 'oldest'
  | 'pauseQueue'
  | 'configureQueue'
  | 'removeQueue'
  | 'statistics'
  | 'minuteBehind'
  | 'limits'
  | 'limit'
  | 'overrideLimit'
>;

export function queues(sql: Connection, store: GroupCommit): Queues {
  return {
    queues: (which) => store.read(() => readQueues(sql, which)),

    oldest: (queues) => store.read(() => oldest(sql, queues)),

    pauseQueue: (name, paused, now) => store.write((tx) => pauseQueue(tx, name, paused, now)),

    configureQueue: (name, patch, now, expected) => store.write((tx) => configureQueue(tx, name, patch, now, expected)),

    removeQueue: (name) => store.write((tx) => removeQueue(tx, name)),

    statistics: (since, until = Number.MAX_SAFE_INTEGER, queues) =>
      store.read(() =>
        queues === undefined
          ? sql.all(statements.minutes, since, until)
          : sql.all(statements.minutesOf, since, until, JSON.stringify(queues)),
      ),

    minuteBehind: (count, since, until) =>
      store.read(() => integerOrNull(sql.value(statements.minuteBehind, since, until, count) ?? null)),

    limits: (query) => store.read(() => limits(sql, query)),

    limit: (key) => store.read(() => limit(sql, key)),

    overrideLimit: (key, override, now) => store.write((tx) => overrideLimit(tx, key, override, now)),
  };
}

function readQueues(sql: Connection, which: Parameters<Registry['queues']>[0]): readonly QueueRecord[] {
  const from = (condition: string) => queueColumns.from(`ojs_queues ${condition} ORDER BY name`);
  if (which === undefined) return sql.all(from('')).map(queueRecord);
  if (which === 'configured') return sql.all(from(`WHERE config <> '${noConfig}'`)).map(queueRecord);
  return sql.all(from('WHERE name IN (SELECT value FROM json_each(?))'), JSON.stringify(which)).map(queueRecord);
}

function pauseQueue(tx: Transaction, name: string, paused: boolean, now: Millis): QueueRecord {
  makeQueue(tx, name, now);
  const flag = paused ? 1 : 0;
  if (tx.sql.run('UPDATE ojs_queues SET paused = ? WHERE name = ? AND paused <> ?', flag, name, flag) === 1) {
    tx.log.add([queueEventEntry(paused ? 'queue.paused' : 'queue.resumed', name)]);
    tx.end(now);
    if (!paused) tx.woken.add(name);
  }
  return queue(tx.sql, name);
}

function configureQueue(
  tx: Transaction,
  name: string,
  patch: QueuePatch,
  now: Millis,
  expected: number | undefined,
): QueueRecord | null {
  const { capacity, config, limit } = patch;
  const version = tx.sql.value('SELECT version FROM ojs_queues WHERE name = ?', name) ?? 0;
  if (expected !== undefined && expected !== version) return null;
  makeQueue(tx, name, now);
  tx.sql.change('UPDATE ojs_queues SET version = version + 1 WHERE name = ?', name);
  if (capacity !== undefined) tx.sql.change('UPDATE ojs_queues SET capacity = ? WHERE name = ?', capacity, name);
  if (config !== undefined) tx.sql.change('UPDATE ojs_queues SET config = ? WHERE name = ?', config, name);
  if (limit !== undefined) {
    tx.limits.override(queueLimitKey(name), limit, now);
    tx.end(now);
    tx.flush();
  }
  return queue(tx.sql, name);
}

/**
 * Makes a missing queue. Writes the counters first, since the answers have the counts; the transaction reads the queue
 * again afterwards.
 */
function makeQueue(tx: Transaction, name: string, now: Millis): void {
  tx.flush();
  const readyQueue = tx.counters.readyQueue(name);
  tx.sql.change(
    'INSERT INTO ojs_queues (name, created_at, ready_queue) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING',
    name,
    now,
    readyQueue,
  );
  tx.counters.forget();
}

function queue(sql: Connection, name: string): QueueRecord {
  const row = sql.get(queueColumns.from('ojs_queues WHERE name = ?'), name);
  if (!row) throw new Error(`Queue ${name} vanished within a transaction.`);
  return queueRecord(row);
}

function removeQueue(tx: Transaction, name: string): boolean {
  tx.flush();
  const empty = stateNames(0xff).map((column) => `${column} = 0`);
  if (tx.sql.run(`DELETE FROM ojs_queues WHERE name = ? AND ${empty.join(' AND ')}`, name) === 0) return false;
  tx.limits.remove(queueLimitKey(name));
  return true;
}

function overrideLimit(tx: Transaction, key: string, override: LimitNumbers | null, now: Millis): LimitRecord {
  tx.limits.override(key, override, now);
  tx.end(now);
  tx.flush();
  const record = limit(tx.sql, key);
  if (!record) throw new Error(`Limit ${key} vanished within a transaction.`);
  return record;
}

function limits(
  sql: Connection,
  { after, offset = 0, limit }: Parameters<Registry['limits']>[0],
): Awaited<ReturnType<Registry['limits']>> {
  const total = integer(sql.value('SELECT count(*) FROM ojs_limits'));
  const rows =
    after === undefined
      ? sql.all(limitColumns.from('ojs_limits ORDER BY key LIMIT ? OFFSET ?'), limit + 1, offset)
      : sql.all(limitColumns.from('ojs_limits WHERE key > ? ORDER BY key LIMIT ?'), after, limit + 1);
  const items = rows.slice(0, limit).map((row) => limitRecord(sql, row));
  return { items, next: rows.length > items.length ? (items.at(-1)?.key ?? null) : null, total };
}

function limit(sql: Connection, key: string): LimitRecord | null {
  const row = sql.get(limitColumns.from('ojs_limits WHERE key = ?'), key);
  return row ? limitRecord(sql, row) : null;
}

function limitRecord(sql: Connection, row: ReturnType<typeof limitColumns.read>): LimitRecord {
  const numbers = effectiveLimit(row);
  const most = Math.max(0, ...numbers.rates.map(({ count }) => count));
  const starts = most === 0 ? [] : sql.values(statements.newestStarts, row.key, most).map(integer);
  const limited = limitedQueue(row.key);
  const whole = limited === null ? undefined : sql.get(wholeQueue, limited);
  return { ...row, ...whole, starts: countedStarts(numbers, starts.reverse()) };
}
