import { Failed, type JobId, type JobRecord, type Json, State } from '@ojs-ts/core/job';
import type { Texts } from '@ojs-ts/core/lifecycle';
import { type Cells, flag, integer, integerOrNull, readTexts, state, text, textOrNull } from '../../cells.ts';
import { columns, positions } from '../../columns.ts';
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

const payloadNames = `number, id, priority, queue, type, trace, limits, workflow, node, timeout_ms, heartbeat_ms,
  deadline_at, completing`;
const completing = (table: string) => `EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = ${table}.id)`;
const payload = positions(payloadNames, { completing: completing('jobs') });
const lockPayloads = `SELECT ${payload.list} FROM ojs.jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`;

const numbers = 'number = ANY (ARRAY (SELECT number FROM ojs.jobs WHERE id = ANY ($1::uuid[])))';
const result = (table: string) =>
  `CASE WHEN ${table}.workflow IS NOT NULL AND ${table}.texts THEN (SELECT result FROM ojs.texts
    WHERE texts.number = ${table}.number) END`;
const standing = 'id, claim, attempt, lease_required, run_at, enqueued_at, started_at, worker, texts, state, result';
/** The reads of each state, which begin alike. */
const due = positions(`${standing}, fingerprint`, { result: result('due') });
const ready = positions(standing, { state: `${State.available}`, result: result('ready') });
const active = positions(`${standing}, lease_ms, lease_until, beat_at`, {
  state: `${State.active}`,
  result: result('active'),
});
const ended = positions(`${standing}, fingerprint, finished_at, dead_letter`, {
  texts: 'texts OR result IS NOT NULL',
  result: 'NULL',
});
/** The rows in the order in which a job moves on: each statement sees what the one before has waited for. */
const lockStates: readonly string[] = [
  `SELECT ${due.list} FROM ojs.due WHERE ${numbers} ORDER BY number FOR UPDATE`,
  `SELECT ${ready.list} FROM ojs.ready WHERE ${numbers} ORDER BY number FOR UPDATE`,
  `SELECT ${active.list} FROM ojs.active WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`,
  `SELECT ${ended.list} FROM ojs.ended WHERE ${numbers}`,
];
const payloadCells = Object.keys(payload.at).length;
const lockActiveRows = `SELECT ${
  positions(payloadNames, {
    number: 'active.number',
    id: 'active.id',
    priority: 'job.priority',
    queue: 'active.queue',
    type: 'active.type',
    trace: 'active.trace',
    limits: 'active.limits',
    workflow: 'active.workflow',
    node: 'active.node',
    completing: completing('active'),
  }).list
}, active.${active.list}
  FROM ojs.active JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'active.id')}
  WHERE active.id = ANY ($1::uuid[]) ORDER BY active.id FOR UPDATE OF active`;
const envelopes = columns({ id: text, envelope: text }).from('ojs.jobs WHERE id = ANY ($1::uuid[])');
const readFull = `SELECT ${jobColumns} FROM ojs.whole WHERE id = ANY ($1::uuid[])`;

/** Locks jobs: first their constant rows, in the order of their ids, then the rows of their states. */
export async function lockJobs(tx: Transaction, ids: readonly JobId[]): Promise<Map<JobId, LockedJob>> {
  if (ids.length === 0) return new Map();
  const payloads = tx.query(lockPayloads, [uuids(ids)]);
  const rows = await Promise.all([payloads, ...lockStanding(tx, ids)]);
  const [found = [], ...stands] = rows;
  const byId = new Map(stands.flat().map((cells) => [text(cells[due.at.id]), cells]));
  return new Map(
    found.flatMap((cells) => {
      const id = text(cells[payload.at.id]);
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
  return lockStates.map((statement) => tx.query(statement, values));
}

/** Reads the envelopes of locked jobs. */
export async function readEnvelopes(
  tx: Transaction,
  rows: ReadonlyMap<JobId, LockedJob>,
  ids: readonly JobId[],
): Promise<void> {
  if (ids.length === 0) return;
  for (const { id, envelope } of await tx.all(envelopes, [uuids(ids)])) {
    const held = rows.get(id);
    if (held) held.envelope = envelope;
  }
}

export async function readJobs(read: Reader, ids: readonly JobId[]): Promise<Map<JobId, LockedJob<JobRecord>>> {
  if (ids.length === 0) return new Map();
  const rows = await read.query(readFull, [uuids(ids)]);
  return new Map(rows.map(lockedJobOf).map((held) => [held.job.id, held]));
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

function readLocked(cells: Cells, stands: Cells): LockedJob {
  const now = state(stands[due.at.state]);
  const limits = textOrNull(cells[payload.at.limits]);
  const workflow = textOrNull(cells[payload.at.workflow]);
  const isActive = now === State.active;
  const hasEnded = !isActive && stands.length > ended.at.finished_at;
  const job: NarrowJob = {
    id: text(cells[payload.at.id]),
    state: now,
    claim: integer(stands[due.at.claim]),
    leaseRequired: flag(stands[due.at.lease_required]),
    attempt: integer(stands[due.at.attempt]),
    priority: integer(cells[payload.at.priority]),
    runAt: integer(stands[due.at.run_at]),
    enqueuedAt: integerOrNull(stands[due.at.enqueued_at]),
    startedAt: integerOrNull(stands[due.at.started_at]),
    beatAt: isActive ? integerOrNull(stands[active.at.beat_at]) : null,
    finishedAt: hasEnded ? integer(stands[ended.at.finished_at]) : null,
    deadLetter: hasEnded && flag(stands[ended.at.dead_letter]),
    leaseMs: isActive ? integer(stands[active.at.lease_ms]) : null,
    leaseUntil: isActive ? integer(stands[active.at.lease_until]) : null,
    timeoutMs: integer(cells[payload.at.timeout_ms]),
    heartbeatMs: integer(cells[payload.at.heartbeat_ms]),
    deadlineAt: integerOrNull(cells[payload.at.deadline_at]),
    queue: text(cells[payload.at.queue]),
    type: text(cells[payload.at.type]),
    worker: textOrNull(stands[due.at.worker]),
    trace: textOrNull(cells[payload.at.trace]),
    limits: limits === null ? noLimits : readTexts(limits),
    node: workflow === null ? null : { workflow, index: integer(cells[payload.at.node]) },
  };
  return {
    number: integer(cells[payload.at.number]),
    job,
    result: textOrNull(stands[due.at.result]),
    texts: {},
    stored: job,
    hasTexts: flag(stands[due.at.texts]),
    completing: flag(cells[payload.at.completing]),
    fingerprint: (now & Failed) === 0 ? null : textOrNull(stands[due.at.fingerprint]),
  };
}
