import { createHash } from 'node:crypto';
import { isIn, type JobId, type NewJob, State, Terminal } from '@ojs-ts/core';
import { text } from '../../cells.ts';
import { texts, uuids } from './sql.ts';
import type { Transaction } from './transaction.ts';

/** What advisory locks protect. A transaction takes its locks kind by kind in this order, sorted within a kind. */
const kinds = ['unique', 'queue', 'limits'] as const;
type Kind = (typeof kinds)[number];

const unfinished = Object.values(State).filter((state) => !isIn(state, Terminal));
const lockJobsAhead = `SELECT workflow FROM ojs.jobs WHERE id IN (
    SELECT unnest($1::uuid[])
    UNION ALL SELECT id FROM ojs.jobs WHERE unique_key = ANY ($2::text[])
    AND state = ANY ('{${unfinished.join(',')}}'::smallint[])
  ) ORDER BY id FOR UPDATE`;

/**
 * Takes advisory locks that the end of the transaction releases. Advisory locks belong to the database: two schemas may
 * wait for each other, never fail.
 */
export function lock(tx: Transaction, kind: Kind, names: readonly string[]): void {
  if (names.length === 0) return;
  const numbers = [...new Set(names.map((name) => numberOf(kind, tx.schema, name)))].sort((a, b) => (a < b ? -1 : 1));
  tx.write('SELECT count(pg_advisory_xact_lock(key)) FROM unnest($1::bigint[]) AS locks (key)', [
    `{${numbers.join(',')}}`,
  ]);
}

/** Locks the unique keys of these jobs. */
export function lockUniqueKeys(tx: Transaction, jobs: readonly NewJob[]): void {
  lock(
    tx,
    'unique',
    jobs.flatMap(({ unique }) => unique?.key ?? []),
  );
}

/**
 * For a transaction that inserts jobs, or changes jobs more than once: locks in order the unique keys of the new jobs,
 * then the jobs that they may replace and the others. Returns the workflows of the locked jobs, which come next in the
 * order of locks.
 */
export async function lockAhead(
  tx: Transaction,
  jobs: readonly NewJob[],
  others: readonly JobId[] = [],
): Promise<readonly string[]> {
  lockUniqueKeys(tx, jobs);
  const keys = jobs.flatMap(({ unique }) => (unique !== null && unique.onConflict !== 'keep' ? [unique.key] : []));
  if (keys.length === 0 && others.length === 0) return [];
  const rows = await tx.query(lockJobsAhead, [uuids(others), texts(keys)]);
  return rows.flatMap(([workflow]) => (workflow === null ? [] : [text(workflow)]));
}

/** 61 bits of a hash and the kind, so that locks of two kinds never meet. */
function numberOf(kind: Kind, schema: string, name: string): bigint {
  const hash = createHash('sha256').update(`${schema}\n${name}`).digest().readBigInt64BE();
  return (hash & ~7n) | BigInt(kinds.indexOf(kind));
}
