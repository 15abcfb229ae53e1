import { createHash } from 'node:crypto';
import type { JobId, NewJob } from '@ojs-ts/core/job';
import { text } from '../../cells.ts';
import { lockStanding } from '../jobs/locked-job.ts';
import { texts, uuids } from './sql.ts';
import type { Transaction } from './transaction.ts';

/** The subjects of advisory locks. A transaction takes its locks kind by kind in this order, sorted within a kind. */
const kinds = ['unique', 'queue', 'limits'] as const;
type Kind = (typeof kinds)[number];

/** The unfinished jobs that hold these unique keys. */
const holders = ['due', 'ready', 'active']
  .map((table) => `SELECT id FROM ojs.${table} WHERE unique_key = ANY ($2::text[])`)
  .join(' UNION ALL ');
const lockJobsAhead = `SELECT id, workflow FROM ojs.jobs
  WHERE id = ANY (ARRAY (SELECT unnest($1::uuid[]) UNION ALL ${holders})) ORDER BY id FOR UPDATE`;

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
  return (await lockHolders(tx, replacedKeys(jobs), others)).workflows;
}

/** Locks the unfinished jobs with these unique keys and others, so that they stay in their states. */
export async function lockHolders(
  tx: Transaction,
  keys: readonly string[],
  others: readonly JobId[] = [],
): Promise<{ readonly ids: readonly JobId[]; readonly workflows: readonly string[] }> {
  if (keys.length === 0 && others.length === 0) return { ids: [], workflows: [] };
  const rows = await tx.query(lockJobsAhead, [uuids(others), texts(keys)]);
  const ids = rows.map(([id]) => text(id));
  if (ids.length > 0) await Promise.all(lockStanding(tx, ids));
  return { ids, workflows: rows.flatMap(([, workflow]) => (workflow === null ? [] : [text(workflow)])) };
}

/** The unique keys whose holders the jobs may replace. */
export function replacedKeys(jobs: readonly NewJob[]): readonly string[] {
  return [
    ...new Set(jobs.flatMap(({ unique }) => (unique !== null && unique.onConflict !== 'keep' ? unique.key : []))),
  ];
}

/** 61 bits of a hash and the kind, so that locks of two kinds never meet. */
function numberOf(kind: Kind, schema: string, name: string): bigint {
  const hash = createHash('sha256').update(`${schema}\n${name}`).digest().readBigInt64BE();
  return (hash & ~7n) | BigInt(kinds.indexOf(kind));
}
