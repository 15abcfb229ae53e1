import type { EventSubject, JobId, JobRecord, Json, Mutable, Texts } from '@ojs-ts/core';
import { integer, integerOrNull, readTexts, state, text, textOrNull } from '../../cells.ts';
import { type Cells, type Reader, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { jobColumns, readJob } from './job-row.ts';

/** The columns of a job that a change reads: without the long texts and what never changes. */
export type NarrowJob = EventSubject &
  Mutable &
  Pick<JobRecord, 'claim' | 'timeoutMs' | 'heartbeatMs' | 'deadlineAt' | 'limits' | 'node'>;

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

const narrowColumns =
  'id, number, state, claim, attempt, priority, run_at, enqueued_at, started_at, beat_at, finished_at, dead_letter, lease_ms, lease_until, timeout_ms, ' +
  'heartbeat_ms, deadline_at, queue, type, worker, trace, limits, workflow, node, CASE WHEN workflow IS NOT NULL THEN result END';

const lockNarrow = `SELECT ${narrowColumns}, EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = jobs.id) FROM ojs.jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`;
const readFull = `SELECT ${jobColumns} FROM ojs.jobs WHERE id = ANY ($1::uuid[])`;

/** Locks jobs in the order of their ids. */
export async function lockJobs(tx: Transaction, ids: readonly JobId[]): Promise<Map<JobId, LockedJob>> {
  const rows = await tx.query(lockNarrow, [uuids(ids)]);
  return new Map(rows.map((cells) => [text(cells[0]), readNarrow(cells)]));
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

const noLimits: readonly string[] = [];

function readNarrow(cells: Cells): LockedJob {
  const limits = textOrNull(cells[21]);
  const workflow = textOrNull(cells[22]);
  const job: NarrowJob = {
    id: text(cells[0]),
    state: state(cells[2]),
    claim: integer(cells[3]),
    attempt: integer(cells[4]),
    priority: integer(cells[5]),
    runAt: integer(cells[6]),
    enqueuedAt: integerOrNull(cells[7]),
    startedAt: integerOrNull(cells[8]),
    beatAt: integerOrNull(cells[9]),
    finishedAt: integerOrNull(cells[10]),
    deadLetter: cells[11] === true,
    leaseMs: integerOrNull(cells[12]),
    leaseUntil: integerOrNull(cells[13]),
    timeoutMs: integer(cells[14]),
    heartbeatMs: integer(cells[15]),
    deadlineAt: integerOrNull(cells[16]),
    queue: text(cells[17]),
    type: text(cells[18]),
    worker: textOrNull(cells[19]),
    trace: textOrNull(cells[20]),
    limits: limits === null ? noLimits : readTexts(limits),
    node: workflow === null ? null : { workflow, index: integer(cells[23]) },
  };
  return { number: integer(cells[1]), job, result: textOrNull(cells[24]), texts: {}, completing: cells[25] === true };
}
