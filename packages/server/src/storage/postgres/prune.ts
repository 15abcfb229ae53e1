import { isIn, type Millis, queueLimitKey, State, stateName, Terminal } from '@ojs-ts/core';
import type { Pruned, PruneRules } from '../storage.ts';
import { texts } from './arrays.ts';
import type { Database } from './connection.ts';
import { numberEvents } from './events.ts';
import { addUp } from './fold.ts';
import { idsText } from './held.ts';
import { joined } from './joined.ts';
import { Lanes } from './lanes.ts';
import { pruneWorkflows } from './prune-workflows.ts';
import { integer, readTexts, text } from './row.ts';
import { tally } from './tally.ts';
import type { Transaction } from './transaction.ts';

/** One at a time, or two would each remove the surplus. */
const alone = `SELECT pg_try_advisory_xact_lock(hashtext('ojs.'), 7352003)`;
const oldest = `SELECT id, due_at, queue, limits, priority FROM ojs.jobs WHERE state = $1 AND due_at IS NOT NULL AND dead_letter = $2 ORDER BY due_at, number LIMIT $3
  FOR UPDATE SKIP LOCKED`;
const oldestDead = `SELECT id, finished_at, queue, limits, priority FROM ojs.jobs WHERE dead_letter ORDER BY finished_at, number LIMIT $1 FOR UPDATE SKIP LOCKED`;
const forgetRequests = `DELETE FROM ojs.requests WHERE request = ANY (ARRAY (SELECT request FROM ojs.requests WHERE at < $1 ORDER BY at, number LIMIT $2)) RETURNING 1`;
const forgetWorkers = `DELETE FROM ojs.workers WHERE worker = ANY (ARRAY (SELECT worker FROM ojs.workers WHERE seen_at < $1 ORDER BY seen_at, worker LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`;
const forgetMinutes = `WITH old AS MATERIALIZED (SELECT DISTINCT minute, queue FROM ojs.minutes WHERE minute < $1 ORDER BY minute, queue LIMIT $2),
  gone AS (DELETE FROM ojs.minutes USING old WHERE ${joined('minutes.minute', 'old.minute')} AND ${joined('minutes.queue', 'old.queue')})
  SELECT count(*) FROM old`;
const forgetLimits = `DELETE FROM ojs.limits WHERE key = ANY (ARRAY (
    SELECT key FROM ojs.limits WHERE jobs = 0 AND override IS NULL AND used_at < $1 AND NOT starts_with(key, '${queueLimitKey('')}')
      AND NOT EXISTS (SELECT FROM ojs.limit_changes AS change WHERE change.key = limits.key OFFSET 0)
    ORDER BY used_at, key LIMIT $2)) RETURNING key`;

export async function prune(database: Database, rules: PruneRules, limit: number): Promise<Pruned> {
  await numberEvents(database);
  const main = await database.transact(0, async (tx) => {
    if ((await tx.query(alone))[0]?.[0] !== true) return { removed: 0, overCap: rules.jobs.map(() => 0) };
    const overCap: number[] = [];
    let count = 0;
    for (const rule of rules.jobs) {
      const jobs = await pruneJobs(tx, rule, limit);
      count += jobs.gone;
      overCap.push(jobs.overCap);
    }
    count += await pruneEvents(tx, rules.events, limit);
    count += (await tx.query(forgetRequests, [rules.requestsBefore, limit])).length;
    count += (await tx.query(forgetWorkers, [rules.workersBefore, limit])).length;
    return {
      removed: count + integer((await tx.query(forgetMinutes, [rules.statisticsBefore, limit]))[0]?.[0]),
      overCap,
    };
  });
  // The jobs that went have left changes under their keys; a key goes only once they are taken over.
  await addUp(database, 0);
  let gone = main.removed + (await database.transact(0, (tx) => pruneLimits(tx, rules.limitsBefore, limit)));
  for (let left = limit, more = true; more; ) {
    const removed = await database.transact(0, (tx) => pruneWorkflows(tx, rules.workflows, left));
    gone += removed.gone;
    left -= removed.gone;
    more = removed.more;
  }
  return { ...main, removed: gone };
}

interface JobsGone {
  readonly gone: number;
  readonly overCap: number;
}

async function pruneJobs(
  tx: Transaction,
  { state, deadLetter, before, keep }: PruneRules['jobs'][number],
  limit: number,
): Promise<JobsGone> {
  if (!isIn(state, Terminal) || (deadLetter && state !== State.discarded)) return { gone: 0, overCap: 0 };
  const surplus =
    (await total(
      tx,
      deadLetter ? 'dead_letter' : state === State.discarded ? 'discarded - dead_letter' : stateName(state),
    )) - keep;
  const rows = await (deadLetter ? tx.query(oldestDead, [limit]) : tx.query(oldest, [state, false, limit]));
  const gone: string[] = [];
  let overCap = 0;
  for (const [id, at, queue, limits, priority] of rows) {
    if (gone.length >= surplus && integer(at) >= before) break;
    gone.push(text(id));
    if (integer(at) >= before) overCap += 1;
    const keys = limits === null ? [] : readTexts(text(limits));
    tally(tx, { id: text(id), queue: text(queue), priority: integer(priority), limits: keys }, state, null);
    if (deadLetter) tx.counts.addDeadLetter(text(queue), -1);
  }
  if (gone.length > 0) tx.write('DELETE FROM ojs.jobs WHERE id = ANY ($1::uuid[])', [idsText(gone)]);
  tx.flush();
  return { gone: gone.length, overCap };
}

async function total(tx: Transaction, sum: string): Promise<number> {
  return integer((await tx.query(`SELECT coalesce(sum(${sum}), 0)::int FROM ojs.counts`))[0]?.[0]);
}

/** A batch goes as a whole, when its last event may. Batches that are not numbered yet stay. */
async function pruneEvents(tx: Transaction, { before, keep }: PruneRules['events'], limit: number): Promise<number> {
  const [store] = await tx.query('SELECT position FROM ojs.store');
  const newest = integer(store?.[0]);
  const rows = await tx.query(
    'SELECT position, at, count FROM ojs.events WHERE position IS NOT NULL ORDER BY position LIMIT $1',
    [limit],
  );
  let gone = 0;
  let upTo = 0;
  for (const [position, at, count] of rows) {
    const last = integer(position) + integer(count) - 1;
    if (integer(at) >= before && last > newest - keep) break;
    gone += 1;
    upTo = last;
  }
  if (gone > 0) tx.write('DELETE FROM ojs.events WHERE position <= $1', [upTo]);
  return gone;
}

async function pruneLimits(tx: Transaction, before: Millis, limit: number): Promise<number> {
  const lanes = await Lanes.open(tx, 0);
  lanes.limits.flush();
  const gone = await tx.query(forgetLimits, [before, limit]);
  if (gone.length > 0)
    tx.write('DELETE FROM ojs.starts WHERE key = ANY ($1::text[])', [texts(gone.map(([key]) => text(key)))]);
  return gone.length;
}
