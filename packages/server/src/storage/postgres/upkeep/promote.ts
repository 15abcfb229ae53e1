import type { Millis } from '@ojs-ts/core';
import { type JobRecord, State } from '@ojs-ts/core/job';
import { isExpired, promoted, promotionEvent } from '@ojs-ts/core/lifecycle';
import { StoreUnavailable } from '../../unavailable.ts';
import type { Database } from '../connection/database.ts';
import { sqlState } from '../connection/errors.ts';
import { byTime, indexJoin } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import type { Changes } from '../jobs/changes.ts';
import { decisionColumns } from '../jobs/job-row.ts';
import { lockedJobOf } from '../jobs/locked-job.ts';
import { type Edges, existsDue } from './left-edges.ts';

const due = `SELECT ${decisionColumns} FROM (
    SELECT id AS found FROM ojs.due WHERE ${byTime} AND due.state = $1 AND run_at <= $2 AND run_at >= $4
      ORDER BY run_at, number LIMIT $3 FOR UPDATE SKIP LOCKED) AS due
  JOIN ojs.whole ON ${indexJoin('id', 'found')}`;
const isDue = `SELECT ${existsDue('$1', '$2', '$3')}`;
/** Waits for the transactions that have locked the due jobs, with the weakest lock. */
const waitForDue = `SELECT 1 FROM ojs.due WHERE ${byTime} AND state = $1 AND run_at <= $2 AND run_at >= $4
  ORDER BY run_at, number LIMIT $3 FOR KEY SHARE`;
/** A process that is cut off in the middle of its transaction must not hold up claims for longer. */
const lockTimeout = "SET LOCAL lock_timeout = '1s'";
/** SQLSTATE lock_not_available. */
const lockNotAvailable = '55P03';

/** Makes up to `limit` due jobs available, or discards those that have expired; returns how many by queue. */
export async function promote(
  tx: Transaction,
  changes: Changes,
  now: Millis,
  limit: number,
  [scheduled, retryable]: Edges,
): Promise<ReadonlyMap<string, number>> {
  const found = await Promise.all([
    tx.query(due, [State.scheduled, now, limit, scheduled]),
    tx.query(due, [State.retryable, now, limit, retryable]),
  ]);
  const rows = found.flat().map(lockedJobOf);
  rows.sort((a, b) => a.job.runAt - b.job.runAt || a.number - b.number);
  const counts = new Map<string, number>();
  for (const held of rows.slice(0, limit)) {
    const { job } = held;
    if (isExpired(job, now)) {
      changes.expire(held);
      continue;
    }
    const after: JobRecord = promoted(job, now);
    changes.promote(held, after);
    tx.log.job(promotionEvent(job.state), after, job.state);
    counts.set(job.queue, (counts.get(job.queue) ?? 0) + 1);
  }
  changes.write();
  return counts;
}

/** Reports whether jobs are still due after {@link promote}: other transactions have locked them. */
export async function isPassedOver(tx: Transaction, now: Millis, [scheduled, retryable]: Edges): Promise<boolean> {
  return (await tx.query(isDue, [now, scheduled, retryable]))[0]?.[0] === true;
}

/** Waits until others have promoted due jobs, at most a second. It holds no lock for which they could wait. */
export async function untilPromoted(
  database: Database,
  now: Millis,
  limit: number,
  [scheduled, retryable]: Edges,
): Promise<void> {
  try {
    await database.transact(now, async (tx) => {
      await tx.script(lockTimeout);
      await tx.query(waitForDue, [State.scheduled, now, limit, scheduled]);
      await tx.query(waitForDue, [State.retryable, now, limit, retryable]);
    });
  } catch (error) {
    if (!(error instanceof StoreUnavailable && sqlState(error.cause) === lockNotAvailable)) throw error;
  }
}
