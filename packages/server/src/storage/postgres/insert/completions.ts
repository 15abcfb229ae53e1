import type { Millis } from '@ojs-ts/core';
import type { JobId, NodeRef } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import { text } from '../../cells.ts';
import { completionColumns } from '../../rows.ts';
import type { Dumped } from '../../storage.ts';
import { uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { Changes } from '../jobs/changes.ts';
import { type LockedJob, lockJobs } from '../jobs/locked-job.ts';

/**
 * The first number of the advisory locks of jobs that a user's transaction completes; the second is a hash of schema
 * and id. Locks of two numbers never meet those of one (see locks.ts). The user's transaction holds the exclusive lock
 * until it ends. Every other operation that would end the execution tries to share the lock, and leaves the job alone
 * if that fails. So an open transaction blocks no other call, and nothing overtakes its completion. The SDK uses the
 * same formula.
 */
const kind = 7_352_002;

const open = `SELECT id FROM unnest($1::uuid[]) AS asked (id)
  WHERE NOT pg_try_advisory_xact_lock_shared(${kind}, hashtext($2 || ' ' || id::text))`;
const taken = completionColumns.of(
  `DELETE FROM ojs.inbox_completions WHERE id = ANY ($1::uuid[]) RETURNING ${completionColumns.list}`,
);
const waiting = 'SELECT id FROM ojs.inbox_completions ORDER BY number LIMIT $1';
const committed = 'SELECT DISTINCT id FROM ojs.inbox_completions WHERE id = ANY ($1::uuid[])';

/** The jobs that open transactions complete; no new transaction completes the others until this one ends. */
export async function beingCompleted(tx: Transaction, ids: readonly JobId[]): Promise<ReadonlySet<JobId>> {
  if (ids.length === 0) return new Set();
  return new Set((await tx.values(open, [uuids(ids), tx.schema])).map(text));
}

/** The jobs with a committed completion that is not applied yet. */
export async function completedAlready(tx: Transaction, ids: readonly JobId[]): Promise<ReadonlySet<JobId>> {
  if (ids.length === 0) return new Set();
  return new Set((await tx.values(committed, [uuids(ids)])).map(text));
}

/** Takes the committed completions of these jobs, to be applied in this transaction, which has locked the jobs. */
export async function takeCompletions(
  tx: Transaction,
  ids: readonly JobId[],
): Promise<readonly Dumped['completion'][]> {
  if (ids.length === 0) return [];
  const rows = await tx.all(taken, [uuids(ids)]);
  tx.taken += rows.length;
  return rows.toSorted((a, b) => a.number - b.number);
}

export function applyCompletions(
  changes: Changes,
  rows: ReadonlyMap<JobId, LockedJob>,
  found: readonly Dumped['completion'][],
): void {
  for (const { id, claim, result } of found) {
    const held = rows.get(id);
    if (held) changes.move(held, completed({ id, claim, result }));
  }
}

/** Applies the oldest `limit` completions, and all others of the same jobs. */
export async function complete(
  tx: Transaction,
  limit: number,
  now: Millis,
): Promise<{ readonly count: number; readonly ready: readonly NodeRef[] }> {
  const oldest = (await tx.values(waiting, [limit])).map(text);
  if (oldest.length === 0) return { count: 0, ready: [] };
  // Two transactions may have completed one job.
  const ids = [...new Set(oldest)];
  const [rows, found] = await Promise.all([lockJobs(tx, ids), takeCompletions(tx, ids)]);
  const changes = new Changes(tx, now);
  applyCompletions(changes, rows, found);
  changes.write();
  return { count: oldest.length, ready: (await changes.close()).flat() };
}
