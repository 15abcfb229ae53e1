import type { EventSubject, JobId, JobRecord, Json, Mutable, Texts } from '@ojs-ts/core';
import {
  type Cells,
  integer,
  integerOrNull,
  isJobId,
  jobColumns,
  readJob,
  readTexts,
  state,
  text,
  textOrNull,
} from './row.ts';
import type { Transaction } from './transaction.ts';

/** What a change reads of a job: without the long texts and what never changes. */
export type Light = EventSubject &
  Mutable &
  Pick<JobRecord, 'claim' | 'timeoutMs' | 'heartbeatMs' | 'deadlineAt' | 'limits' | 'node'>;

/** A job that this transaction has locked or made, as it is by now. */
export interface Held<J extends Light = Light> {
  /** Order of creation. */
  readonly number: number;
  job: J;
  /** The result on record, where the job is a node. */
  result: Json | null;
  /** The line that it waits in from now on, where it has come into another queue. */
  line?: string;
  /** Texts that have changed. */
  texts: Partial<Texts>;
  /** A user's transaction has committed that it is completed. */
  readonly completing?: boolean;
}

const lightColumns =
  'id, number, state, claim, attempt, priority, run_at, enqueued_at, started_at, beat_at, finished_at, dead_letter, lease_ms, lease_until, timeout_ms, ' +
  'heartbeat_ms, deadline_at, queue, type, worker, trace, limits, workflow, node, CASE WHEN workflow IS NOT NULL THEN result END';

const lockLight = `SELECT ${lightColumns}, EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = jobs.id) FROM ojs.jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`;
const readFull = `SELECT ${jobColumns} FROM ojs.jobs WHERE id = ANY ($1::uuid[])`;

export function idsText(ids: readonly JobId[]): string {
  return `{${ids.filter(isJobId).join(',')}}`;
}

/** Locks jobs in the order of their ids. */
export async function lockJobs(tx: Transaction, ids: readonly JobId[]): Promise<Map<JobId, Held>> {
  const rows = await tx.query(lockLight, [idsText(ids)]);
  return new Map(rows.map((cells) => [text(cells[0]), readLight(cells)]));
}

export type Reader = (text: string, values: readonly unknown[]) => Promise<readonly Cells[]>;

export async function readJobs(read: Reader, ids: readonly JobId[]): Promise<Map<JobId, Held<JobRecord>>> {
  if (ids.length === 0) return new Map();
  const rows = await read(readFull, [idsText(ids)]);
  return new Map(rows.map((cells) => [text(cells[1]), heldOf(cells)]));
}

/** Of the columns of a whole job. */
export function heldOf(cells: Cells): Held<JobRecord> {
  const { number, job } = readJob(cells);
  return { number, job, result: job.result, texts: {} };
}

const noLimits: readonly string[] = [];

function readLight(cells: Cells): Held {
  const limits = textOrNull(cells[21]);
  const workflow = textOrNull(cells[22]);
  const job: Light = {
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
