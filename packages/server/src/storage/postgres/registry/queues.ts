import type { Millis } from '@ojs-ts/core';
import { queueEventEntry } from '@ojs-ts/core/events';
import { noConfig, queueLimitKey, stateNames } from '@ojs-ts/core/job';
import { integer, text } from '../../cells.ts';
import { columns } from '../../columns.ts';
import { queueColumns, queueRecord } from '../../rows.ts';
import type { QueuePatch, QueueRecord, Registry } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { lock } from '../connection/locks.ts';
import { texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { LimitGroups } from '../limits/limit-groups.ts';
import { setOverride } from '../limits/limit-registry.ts';

const names = stateNames(0xff);

const sums = [...names, 'dead_letter'].map((name) => `coalesce(sum(${name}), 0)::int AS ${name}`).join(', ');
const selected = `coalesce(queue.created_at, counted.at) AS created_at, coalesce(paused, false) AS paused, capacity,
  coalesce(config, '{}') AS config, coalesce(version, 0) AS version,
  ${['dead_letter', ...names].map((name) => `coalesce(${name}, 0) AS ${name}`).join(', ')}`;
export const allQueues = queueColumns.of(`SELECT coalesce(queue.name, counted.queue) AS name, ${selected}
  FROM ojs.queues AS queue FULL JOIN (SELECT queue, (array_agg(at ORDER BY number))[1] AS at, ${sums} FROM ojs.counts
  GROUP BY queue) AS counted ON counted.queue = queue.name
  ORDER BY 1`);
const oneOf = (condition: string) =>
  queueColumns.of(`SELECT coalesce(queue.name, wanted.name) AS name, ${selected}
  FROM ${condition} LEFT JOIN LATERAL (SELECT queue, (array_agg(at ORDER BY number))[1] AS at, ${sums} FROM ojs.counts
  WHERE counts.queue = wanted.name GROUP BY queue) AS counted ON true
  WHERE queue.name IS NOT NULL OR counted.queue IS NOT NULL ORDER BY 1`);
const named = oneOf(
  `(SELECT DISTINCT name FROM unnest($1::text[]) AS given (name)) AS wanted
    LEFT JOIN ojs.queues AS queue ON queue.name = wanted.name`,
);
const configured = oneOf(
  `(SELECT name FROM ojs.queues WHERE config <> '${noConfig}') AS wanted
    JOIN ojs.queues AS queue ON queue.name = wanted.name`,
);
const one = queueColumns.of(`SELECT queue.name, ${selected}
  FROM ojs.queues AS queue, (SELECT (array_agg(at ORDER BY number))[1] AS at, ${sums} FROM ojs.counts
  WHERE counts.queue = $1) AS counted WHERE queue.name = $1`);
/** A queue that is current only by its jobs was created with the first of them. */
const insertQueue = `INSERT INTO ojs.queues (name, created_at)
  SELECT $1, coalesce((SELECT at FROM ojs.counts WHERE queue = $1 ORDER BY number LIMIT 1), $2)
  ON CONFLICT (name) DO NOTHING RETURNING 1`;
const lockVersion = 'SELECT version FROM ojs.queues WHERE name = $1 FOR UPDATE';
const removeEmpty = `WITH total AS MATERIALIZED (
    SELECT ${[...names, 'dead_letter'].map((name) => `coalesce(sum(${name}), 0) = 0`).join(' AND ')} AS empty
      FROM ojs.counts WHERE queue = $1
  ), counted AS (DELETE FROM ojs.counts USING total WHERE queue = $1 AND empty RETURNING 1
  ), named AS (DELETE FROM ojs.queues USING total WHERE name = $1 AND empty RETURNING 1)
  SELECT (SELECT count(*) FROM counted) + (SELECT count(*) FROM named)`;

/**
 * The job that has been available longest is the first of one of the priorities in a ready queue: places grow with the
 * time. Each step goes to the next priority of a ready queue, and from its first one also to the next ready queue of
 * the queue.
 */
const oldest = columns({ queue: text, enqueuedAt: integer }).of(`WITH RECURSIVE head AS (
    SELECT wanted.queue, first.*, true AS opens FROM unnest($1::text[]) AS wanted (queue) CROSS JOIN LATERAL (
      SELECT ready_queue, priority, place, enqueued_at FROM ojs.ready
      WHERE ready_queue >= wanted.queue AND ready_queue < wanted.queue || E'\\x0b'
      ORDER BY ready_queue, priority DESC, place LIMIT 1) AS first
    UNION ALL
    SELECT head.queue, next.* FROM head CROSS JOIN LATERAL (
      (SELECT ready_queue, priority, place, enqueued_at, false AS opens FROM ojs.ready
        WHERE ready_queue = head.ready_queue AND priority < head.priority ORDER BY priority DESC, place LIMIT 1)
      UNION ALL
      (SELECT ready_queue, priority, place, enqueued_at, true FROM ojs.ready
        WHERE head.opens AND ready_queue > head.ready_queue AND ready_queue < head.queue || E'\\x0b'
        ORDER BY ready_queue, priority DESC, place LIMIT 1)) AS next)
  SELECT DISTINCT ON (queue) queue, enqueued_at FROM head WHERE enqueued_at IS NOT NULL ORDER BY queue, place`);

type Queues = Pick<Registry, 'queues' | 'oldest' | 'pauseQueue' | 'configureQueue' | 'removeQueue'>;

export function queues(database: Database): Queues {
  return {
    async queues(which) {
      if (which === undefined) return (await database.all(allQueues)).map(queueRecord);
      if (which === 'configured') return (await database.all(configured)).map(queueRecord);
      return (await database.all(named, [texts(which)])).map(queueRecord);
    },
    oldest: (names) => database.all(oldest, [texts(names)]),
    pauseQueue: (name, paused, now) => database.transact(now, (tx) => pauseQueue(tx, name, paused, now)),
    configureQueue: (name, patch, now, expected) =>
      database.transact(now, (tx) => configureQueue(tx, name, patch, now, expected)),
    removeQueue: (name) => database.transact(0, (tx) => removeQueue(tx, name)),
  };
}

async function pauseQueue(tx: Transaction, name: string, paused: boolean, now: Millis): Promise<QueueRecord> {
  tx.write(insertQueue, [name, now]);
  const changed = await tx.query('UPDATE ojs.queues SET paused = $2 WHERE name = $1 AND paused <> $2 RETURNING 1', [
    name,
    paused,
  ]);
  if (changed.length === 1) {
    tx.log.add([queueEventEntry(paused ? 'queue.paused' : 'queue.resumed', name)]);
    if (!paused) tx.woken.add(name);
  }
  return queue(tx, name);
}

async function configureQueue(
  tx: Transaction,
  name: string,
  { capacity, config, limit }: QueuePatch,
  now: Millis,
  expected: number | undefined,
): Promise<QueueRecord | null> {
  // An insert into a bounded queue holds this lock.
  if (capacity !== undefined) lock(tx, 'queue', [name]);
  const groups = limit === undefined ? null : await LimitGroups.open(tx, now);
  let current = await tx.value(lockVersion, [name]);
  const fits = () => expected === undefined || expected === (current ?? 0);
  // Another call may insert the queue at the same time: then the queue has the version that the other call gave it.
  if (current === undefined && fits() && (await tx.query(insertQueue, [name, now])).length === 0)
    current = await tx.value(lockVersion, [name]);
  if (!fits()) return null;
  tx.write(
    `UPDATE ojs.queues SET version = version + 1, capacity = CASE WHEN $2 THEN $3 ELSE capacity END,
      config = coalesce($4, config) WHERE name = $1`,
    [name, capacity !== undefined, capacity ?? null, config ?? null],
  );
  if (groups && limit !== undefined) await setOverride(tx, groups, queueLimitKey(name), limit, now);
  return queue(tx, name);
}

async function queue(tx: Transaction, name: string): Promise<QueueRecord> {
  const row = await tx.get(one, [name]);
  if (!row) throw new Error(`Queue ${name} vanished within a transaction.`);
  return queueRecord(row);
}

/** The commit of a job that is being inserted at the same time creates the queue again. */
async function removeQueue(tx: Transaction, name: string): Promise<boolean> {
  const key = queueLimitKey(name);
  const groups = await LimitGroups.open(tx, 0);
  await groups.load([key]);
  groups.limits.flush();
  if ((await tx.value(removeEmpty, [name])) === 0) return false;
  tx.write('DELETE FROM ojs.limits WHERE key = $1', [key]);
  tx.write('DELETE FROM ojs.starts WHERE key = $1', [key]);
  return true;
}
