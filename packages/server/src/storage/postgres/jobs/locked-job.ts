import { Failed, type JobId, type JobRecord, type Json, State } from '@ojs-ts/core/job';
import type { Texts } from '@ojs-ts/core/lifecycle';
import { type Cells, integer, integerOrNull, readTexts, state, text, textOrNull } from '../../cells.ts';
import { indexJoin, type Reader, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { jobColumns, type NarrowJob, readJob } from './job-row.ts';

/** A job that the transaction has locked or inserted, with its changes so far. */
export interface LockedJob<J extends NarrowJob = NarrowJob> {
  /** Order of creation. */
  number: number;
  job: J;
  /** The stored result, where the job is a node of a workflow. */
  result: Json | null;
  /** The changed texts. */
  texts: Partial<Texts>;
  /** The state, queue, priority and timeout that are written. */
  stored: Pick<NarrowJob, 'state' | 'queue' | 'priority' | 'timeoutMs'>;
  /** The written envelope, read only for a transition that asks. */
  envelope?: Json;
  /** True if it has a row in `texts`. */
  hasTexts: boolean;
  /** True if a user's transaction has committed its completion, which is not applied yet. */
  readonly completing?: boolean;
  /** By the error of a job that failed; see core's `errorFingerprint`. */
  fingerprint: string | null;
}

const lockPayloads = `SELECT number, id, priority, queue, type, trace, limits, workflow, node, timeout_ms, heartbeat_ms,
  deadline_at,
    EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = jobs.id)
  FROM ojs.jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`;

const numbers = 'number = ANY (ARRAY (SELECT number FROM ojs.jobs WHERE id = ANY ($1::uuid[])))';
const shared = 'id, claim, attempt, lease_required, run_at, enqueued_at, started_at, worker, texts';
const result = (table: string) =>
  `CASE WHEN ${table}.workflow IS NOT NULL AND ${table}.texts THEN (SELECT result FROM ojs.texts
    WHERE texts.number = ${table}.number) END`;
/** The rows in the order in which a job moves on: each statement sees what the one before has waited for. */
const standing: readonly string[] = [
  `SELECT ${shared}, state, ${result('due')}, fingerprint FROM ojs.due WHERE ${numbers} ORDER BY number FOR UPDATE`,
  `SELECT ${shared}, ${State.available}, ${result('ready')} FROM ojs.ready WHERE ${numbers} ORDER BY number FOR UPDATE`,
  `SELECT ${shared}, ${State.active}, ${result('active')}, lease_ms, lease_until, beat_at FROM ojs.active
    WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`,
  `SELECT ${shared.replace('texts', 'texts OR result IS NOT NULL')}, state, NULL, fingerprint, finished_at, dead_letter
    FROM ojs.ended WHERE ${numbers}`,
];
const payloadCells = 13;
const lockActiveRows = `SELECT active.number, active.id, job.priority, active.queue, active.type, active.trace,
  active.limits, active.workflow, active.node,
    timeout_ms, heartbeat_ms, deadline_at, EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = active.id),
    active.id, claim, attempt, lease_required, run_at, enqueued_at, started_at, worker, texts, ${State.active},
    ${result('active')}, lease_ms, lease_until, beat_at
  FROM ojs.active JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'active.id')}
  WHERE active.id = ANY ($1::uuid[]) ORDER BY active.id FOR UPDATE OF active`;
const envelopes = 'SELECT id, envelope FROM ojs.jobs WHERE id = ANY ($1::uuid[])';
const readFull = `SELECT ${jobColumns} FROM ojs.whole WHERE id = ANY ($1::uuid[])`;

/** Locks jobs: first their constant rows, in the order of their ids, then the rows of their states. */
export async function lockJobs(tx: Transaction, ids: readonly JobId[]): Promise<Map<JobId, LockedJob>> {
  if (ids.length === 0) return new Map();
  const payloads = tx.query(lockPayloads, [uuids(ids)]);
  const rows = await Promise.all([payloads, ...lockStanding(tx, ids)]);
  const [found = [], ...stands] = rows;
  const byId = new Map(stands.flat().map((cells) => [text(cells[0]), cells]));
  return new Map(
    found.flatMap((cells) => {
      const id = text(cells[1]);
      const standing = byId.get(id);
      return standing ? [[id, readLocked(cells, standing)]] : [];
    }),
  );
}

/**
 * Locks active jobs alone, as acks do: an end only moves a job on. Null if one of them is not active, or a user's
 * transaction has completed it.
 */
export async function lockActive(tx: Transaction, ids: readonly JobId[]): Promise<Map<JobId, LockedJob> | null> {
  const rows = await tx.query(lockActiveRows, [uuids(ids)]);
  const found = rows.map((cells) => readLocked(cells, cells.slice(payloadCells)));
  if (found.length < ids.length || found.some(({ completing }) => completing)) return null;
  return new Map(found.map((held) => [held.job.id, held]));
}

/** Locks the rows of the jobs' states; the transaction has locked their constant rows. */
export function lockStanding(tx: Transaction, ids: readonly JobId[]): readonly Promise<readonly Cells[]>[] {
  const values = [uuids(ids)];
  return standing.map((statement) => tx.query(statement, values));
}

/** Reads the envelopes of locked jobs. */
export async function readEnvelopes(
  tx: Transaction,
  rows: ReadonlyMap<JobId, LockedJob>,
  ids: readonly JobId[],
): Promise<void> {
  if (ids.length === 0) return;
  for (const [id, envelope] of await tx.query(envelopes, [uuids(ids)])) {
    const held = rows.get(text(id));
    if (held) held.envelope = text(envelope);
  }
}

export async function readJobs(read: Reader, ids: readonly JobId[]): Promise<Map<JobId, LockedJob<JobRecord>>> {
  if (ids.length === 0) return new Map();
  const rows = await read.query(readFull, [uuids(ids)]);
  return new Map(rows.map((cells) => [text(cells[1]), lockedJobOf(cells)]));
}

/**
 * Reads a row of {@link jobColumns}, which has no fingerprint: a change of such a job takes it out of the failed ones,
 * or gives it another error.
 */
export function lockedJobOf(cells: Cells): LockedJob<JobRecord> {
  const { number, job, hasTexts } = readJob(cells);
  const { result } = job;
  return { number, job, result, texts: {}, stored: job, hasTexts: hasTexts || result !== null, fingerprint: null };
}

const noLimits: readonly string[] = [];

function readLocked(payload: Cells, stands: Cells): LockedJob {
  const now = state(stands[9]);
  const limits = textOrNull(payload[6]);
  const workflow = textOrNull(payload[7]);
  const isActive = now === State.active;
  const hasEnded = !isActive && stands.length > 12;
  const job: NarrowJob = {
    id: text(payload[1]),
    state: now,
    claim: integer(stands[1]),
    leaseRequired: stands[3] === true,
    attempt: integer(stands[2]),
    priority: integer(payload[2]),
    runAt: integer(stands[4]),
    enqueuedAt: integerOrNull(stands[5]),
    startedAt: integerOrNull(stands[6]),
    beatAt: isActive ? integerOrNull(stands[13]) : null,
    finishedAt: hasEnded ? integer(stands[12]) : null,
    deadLetter: hasEnded && stands[13] === true,
    leaseMs: isActive ? integer(stands[11]) : null,
    leaseUntil: isActive ? integer(stands[12]) : null,
    timeoutMs: integer(payload[9]),
    heartbeatMs: integer(payload[10]),
    deadlineAt: integerOrNull(payload[11]),
    queue: text(payload[3]),
    type: text(payload[4]),
    worker: textOrNull(stands[7]),
    trace: textOrNull(payload[5]),
    limits: limits === null ? noLimits : readTexts(limits),
    node: workflow === null ? null : { workflow, index: integer(payload[8]) },
  };
  return {
    number: integer(payload[0]),
    job,
    result: textOrNull(stands[10]),
    texts: {},
    stored: job,
    hasTexts: stands[8] === true,
    completing: payload[12] === true,
    fingerprint: (now & Failed) === 0 ? null : textOrNull(stands[11]),
  };
}
