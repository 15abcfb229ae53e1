import { isExpired, type JobRecord, type Millis, promoted, promotionEvent, State } from '@ojs-ts/core';
import { StoreUnavailable } from '../unavailable.ts';
import type { Changes } from './changes.ts';
import type { Database } from './connection.ts';
import { sqlState } from './errors.ts';
import { expired } from './expire.ts';
import { heldOf } from './held.ts';
import { jobColumns } from './row.ts';
import type { Transaction } from './transaction.ts';

const due = `SELECT ${jobColumns} FROM ojs.jobs WHERE state = $1 AND due_at IS NOT NULL AND due_at <= $2 ORDER BY due_at, number LIMIT $3
  FOR UPDATE SKIP LOCKED`;
const isDue = `SELECT EXISTS (SELECT FROM ojs.jobs WHERE state = ${State.scheduled} AND due_at IS NOT NULL AND due_at <= $1)
  OR EXISTS (SELECT FROM ojs.jobs WHERE state = ${State.retryable} AND due_at IS NOT NULL AND due_at <= $1)`;
/** Waits for whoever has locked them. It locks as little as can be, until it ends. */
const whenMoved =
  'SELECT 1 FROM ojs.jobs WHERE state = $1 AND due_at IS NOT NULL AND due_at <= $2 ORDER BY due_at, number LIMIT $3 FOR KEY SHARE';
/** A node that is cut off in the middle of its transaction holds others up no longer than that. */
const patience = "SET LOCAL lock_timeout = '1s'";
const lockNotHad = '55P03';

/** Moves up to `limit` due jobs on: to `available`, or out where they have expired meanwhile. */
export async function promote(
  tx: Transaction,
  changes: Changes,
  now: Millis,
  limit: number,
): Promise<ReadonlyMap<string, number>> {
  const found = await Promise.all([
    tx.query(due, [State.scheduled, now, limit]),
    tx.query(due, [State.retryable, now, limit]),
  ]);
  const rows = found.flat().map(heldOf);
  rows.sort((a, b) => a.job.runAt - b.job.runAt || a.number - b.number);
  const counts = new Map<string, number>();
  for (const held of rows.slice(0, limit)) {
    const { job } = held;
    if (isExpired(job, now)) {
      expired(changes, held, now);
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

/** Whether jobs are due still, after a call of {@link promote} that could move all of them on: others have locked them. */
export async function isPassedOver(tx: Transaction, now: Millis): Promise<boolean> {
  return (await tx.query(isDue, [now]))[0]?.[0] === true;
}

/** Waits until others have moved due jobs on, at most a second. It holds nothing that they could wait for. */
export async function untilMoved(database: Database, now: Millis, limit: number): Promise<void> {
  try {
    await database.transact(now, async (tx) => {
      await tx.script(patience);
      for (const state of [State.scheduled, State.retryable]) await tx.query(whenMoved, [state, now, limit]);
    });
  } catch (error) {
    if (!(error instanceof StoreUnavailable && sqlState(error.cause) === lockNotHad)) throw error;
  }
}
