import type { JobId, JobRecord, Json, Texts } from '@ojs-ts/core';
import { text, textOrNull } from '../../cells.ts';
import { type Cells, type Reader, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { jobColumns, type NarrowJob, narrowColumns, readJob, readNarrow } from './job-row.ts';

/** A job that the transaction has locked or inserted, with its changes so far. */
export interface LockedJob<J extends NarrowJob = NarrowJob> {
  /** Order of creation. */
  readonly number: number;
  job: J;
  /** The stored result, where the job is a node of a workflow. */
  result: Json | null;
  /** Its new ready queue, where the job has moved to another queue. */
  readyQueue?: string;
  /** The changed texts. */
  texts: Partial<Texts>;
  /** Whether a user's transaction has committed its completion, which is not applied yet. */
  readonly completing?: boolean;
}

const lockNarrow = `SELECT ${narrowColumns}, CASE WHEN workflow IS NOT NULL THEN result END,
    EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = jobs.id)
  FROM ojs.jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`;
const readFull = `SELECT ${jobColumns} FROM ojs.jobs WHERE id = ANY ($1::uuid[])`;

/** Locks jobs in the order of their ids. */
export async function lockJobs(tx: Transaction, ids: readonly JobId[]): Promise<Map<JobId, LockedJob>> {
  const rows = await tx.query(lockNarrow, [uuids(ids)]);
  return new Map(
    rows.map((cells) => {
      const { number, job } = readNarrow(cells);
      return [job.id, { number, job, result: textOrNull(cells[25]), texts: {}, completing: cells[26] === true }];
    }),
  );
}

export async function readJobs(read: Reader, ids: readonly JobId[]): Promise<Map<JobId, LockedJob<JobRecord>>> {
  if (ids.length === 0) return new Map();
  const rows = await read(readFull, [uuids(ids)]);
  return new Map(rows.map((cells) => [text(cells[1]), lockedJobOf(cells)]));
}

/** Reads a row of {@link jobColumns}. */
export function lockedJobOf(cells: Cells): LockedJob<JobRecord> {
  const { number, job } = readJob(cells);
  return { number, job, result: job.result, texts: {} };
}
