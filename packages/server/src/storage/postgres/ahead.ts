import { isIn, type JobId, type NewJob, State, Terminal } from '@ojs-ts/core';
import { texts } from './arrays.ts';
import { idsText } from './held.ts';
import { lockKeys } from './insert.ts';
import { text } from './row.ts';
import type { Transaction } from './transaction.ts';

const unfinished = Object.values(State).filter((state) => !isIn(state, Terminal));
const lockThem = `SELECT workflow FROM ojs.jobs WHERE id IN (
    SELECT unnest($1::uuid[])
    UNION ALL SELECT id FROM ojs.jobs WHERE unique_key = ANY ($2::text[]) AND state = ANY ('{${unfinished.join(',')}}'::smallint[])
  ) ORDER BY id FOR UPDATE`;

/**
 * For a transaction that inserts jobs or moves them more than once: takes at once, in the order of locks, the unique keys of the new jobs, then the jobs that they may replace
 * and others that it will change. Answers the workflows of which these are nodes, which come next in the order.
 */
export async function lockAhead(
  tx: Transaction,
  jobs: readonly NewJob[],
  others: readonly JobId[] = [],
): Promise<readonly string[]> {
  await lockKeys(tx, jobs);
  const keys = jobs.flatMap(({ unique }) => (unique !== null && unique.onConflict !== 'keep' ? [unique.key] : []));
  if (keys.length === 0 && others.length === 0) return [];
  const rows = await tx.query(lockThem, [idsText(others), texts(keys)]);
  return rows.flatMap(([workflow]) => (workflow === null ? [] : [text(workflow)]));
}
