import { defaultHeartbeatMs, type JobRecord, type NodeRef, State } from '@ojs-ts/core/job';
import { type Cell, type Cells, flag, integer, integerOrNull, readTexts, state, text, textOrNull } from '../cells.ts';
import { positions, type Select } from '../columns.ts';
import type { Dumped } from '../storage.ts';

const jobNames = `number, state, claim, attempt, priority, run_at, enqueued_at, started_at, beat_at, finished_at,
  dead_letter, lease_ms, lease_until, timeout_ms, bounds, expires_at, created_at, id, queue, type, worker, trace, ties,
  unique_key, result, progress, checkpoint, history, policy, envelope, cron, lease_required`;
const { list: jobColumns, at } = positions(jobNames);

export interface JobRow {
  readonly number: number;
  /** The text of `limits`; null without. */
  readonly limits: string | null;
  readonly job: JobRecord;
}

/** An available job, with its place in its ready queue. */
export interface ReadyRow extends JobRow {
  readonly priority: number;
  readonly place: number;
  /** By core's `sizeOf`, of a job whose long texts were left out; null if they are there. */
  readonly leftOut: number | null;
}

const longTexts = ['envelope', 'history', 'policy', 'result', 'checkpoint'];
/** Up to this many characters a text is read with its row: the rows of one read are then a few megabytes. */
const longest = 16_384;
/** SQLite has the length in the head of a row, so it does not read the text (https://sqlite.org/lang_corefunc.html). */
const isLong = longTexts.map((name) => `octet_length(${name}) > ${longest}`).join(' OR ');
const long = (name: string) => `CASE WHEN octet_length(${name}) > ${longest} THEN '' ELSE ${name} END`;

/** Without long envelopes and long checkpoints, which no decision needs: those are empty. */
const decisionColumns = positions(jobNames, { envelope: long('envelope'), checkpoint: long('checkpoint') }).list;

/** Selects jobs; `rest` begins behind the table. */
export function jobs(rest: string): Select<JobRow> {
  return { text: `SELECT ${jobColumns} FROM ojs_jobs ${rest}`, read: readJob };
}

export const jobsWithPlace: Select<Dumped['job']> = {
  text: `SELECT ${jobColumns}, place FROM ojs.jobs ORDER BY number`,
  read(cells) {
    const { number, job } = readJob(cells);
    return { number, place: integerOrNull(cells.at(-1)), job };
  },
};

export function jobsToDecide(rest: string): Select<JobRow> {
  return { text: `SELECT ${decisionColumns} FROM ojs_jobs ${rest}`, read: readJob };
}

/**
 * The columns of an available job but those that are the same in all of them, or that a claim sets. Long texts are left
 * out, so that a claim reads no more of them than it hands out.
 */
const ready = positions(
  `number, place, priority, claim, attempt, run_at, enqueued_at, timeout_ms, bounds, expires_at, created_at, id, queue,
   type, trace, ties, unique_key, result, checkpoint, history, policy, envelope, cron, left_out`,
  {
    result: long('result'),
    checkpoint: long('checkpoint'),
    history: long('history'),
    policy: long('policy'),
    envelope: long('envelope'),
    left_out: `CASE WHEN ${isLong} THEN ${longTexts.map((name) => `coalesce(octet_length(${name}), 0)`).join(' + ')} END`,
  },
);

export function readyJobs(rest: string): Select<ReadyRow> {
  return { text: `SELECT ${ready.list} FROM ojs_jobs ${rest}`, read: readReady };
}

function readReady(cells: Cells): ReadyRow {
  const { limits, node } = readTies(cells[ready.at.ties]);
  const priority = integer(cells[ready.at.priority]);
  const { heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt } = readBounds(cells[ready.at.bounds]);
  return {
    number: integer(cells[ready.at.number]),
    place: integer(cells[ready.at.place]),
    priority,
    limits,
    leftOut: integerOrNull(cells[ready.at.left_out]),
    job: {
      id: text(cells[ready.at.id]),
      type: text(cells[ready.at.type]),
      queue: text(cells[ready.at.queue]),
      state: State.available,
      priority,
      attempt: integer(cells[ready.at.attempt]),
      claim: integer(cells[ready.at.claim]),
      // A claim sets it.
      leaseRequired: false,
      runAt: integer(cells[ready.at.run_at]),
      timeoutMs: integer(cells[ready.at.timeout_ms]),
      heartbeatMs,
      visibilityMs,
      laterExpiresAt,
      deadlineAt,
      expiresAt: integerOrNull(cells[ready.at.expires_at]),
      createdAt: integer(cells[ready.at.created_at]),
      enqueuedAt: integerOrNull(cells[ready.at.enqueued_at]),
      startedAt: null,
      worker: null,
      leaseMs: null,
      leaseUntil: null,
      beatAt: null,
      finishedAt: null,
      trace: textOrNull(cells[ready.at.trace]),
      uniqueKey: textOrNull(cells[ready.at.unique_key]),
      limits: limits === null ? noLimits : readTexts(limits),
      node: node === null ? null : readNodeRef(node),
      cron: textOrNull(cells[ready.at.cron]),
      deadLetter: false,
      envelope: text(cells[ready.at.envelope]),
      policy: textOrNull(cells[ready.at.policy]),
      result: textOrNull(cells[ready.at.result]),
      progress: null,
      checkpoint: textOrNull(cells[ready.at.checkpoint]),
      history: text(cells[ready.at.history]),
    },
  };
}

function readJob(cells: Cells): JobRow {
  const { limits, node } = readTies(cells[at.ties]);
  const { heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt } = readBounds(cells[at.bounds]);
  return {
    number: integer(cells[at.number]),
    limits,
    job: {
      id: text(cells[at.id]),
      type: text(cells[at.type]),
      queue: text(cells[at.queue]),
      state: state(cells[at.state]),
      priority: integer(cells[at.priority]),
      attempt: integer(cells[at.attempt]),
      claim: integer(cells[at.claim]),
      leaseRequired: flag(cells[at.lease_required]),
      runAt: integer(cells[at.run_at]),
      timeoutMs: integer(cells[at.timeout_ms]),
      heartbeatMs,
      visibilityMs,
      laterExpiresAt,
      deadlineAt,
      expiresAt: integerOrNull(cells[at.expires_at]),
      createdAt: integer(cells[at.created_at]),
      enqueuedAt: integerOrNull(cells[at.enqueued_at]),
      startedAt: integerOrNull(cells[at.started_at]),
      worker: textOrNull(cells[at.worker]),
      leaseMs: integerOrNull(cells[at.lease_ms]),
      leaseUntil: integerOrNull(cells[at.lease_until]),
      beatAt: integerOrNull(cells[at.beat_at]),
      finishedAt: integerOrNull(cells[at.finished_at]),
      trace: textOrNull(cells[at.trace]),
      uniqueKey: textOrNull(cells[at.unique_key]),
      limits: limits === null ? noLimits : readTexts(limits),
      node: node === null ? null : readNodeRef(node),
      cron: textOrNull(cells[at.cron]),
      deadLetter: flag(cells[at.dead_letter]),
      envelope: text(cells[at.envelope]),
      policy: textOrNull(cells[at.policy]),
      result: textOrNull(cells[at.result]),
      progress: textOrNull(cells[at.progress]),
      checkpoint: textOrNull(cells[at.checkpoint]),
      history: text(cells[at.history]),
    },
  };
}

export type Bounds = Pick<JobRecord, 'heartbeatMs' | 'visibilityMs' | 'laterExpiresAt' | 'deadlineAt'>;

const usual: Bounds = { heartbeatMs: defaultHeartbeatMs, visibilityMs: null, laterExpiresAt: null, deadlineAt: null };

/** Four bounds that most jobs do not have share one column: each column costs every change of a job 0.02 µs. */
export function boundsText({ heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt }: Bounds): string | null {
  const none =
    heartbeatMs === defaultHeartbeatMs && visibilityMs === null && laterExpiresAt === null && deadlineAt === null;
  return none ? null : JSON.stringify([heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt]);
}

export function readBounds(cell: Cell): Bounds {
  if (cell === null) return usual;
  const [heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt]: readonly Cell[] = JSON.parse(text(cell));
  return {
    heartbeatMs: integer(heartbeatMs),
    visibilityMs: integerOrNull(visibilityMs),
    laterExpiresAt: integerOrNull(laterExpiresAt),
    deadlineAt: integerOrNull(deadlineAt),
  };
}

const noLimits: readonly string[] = [];

/**
 * The ties of a job to others, as texts: the JSON array of its limits' keys, and the index and the id of its workflow's
 * node.
 */
export interface Ties {
  readonly limits: string | null;
  readonly node: string | null;
}

const untied: Ties = { limits: null, node: null };

export function limitsText(limits: readonly string[]): string | null {
  return limits.length === 0 ? null : JSON.stringify(limits);
}

/** Both share one column, for the same reason as the bounds. A line break parts them: JSON text has none. */
export function tiesText(limits: string | null, node: NodeRef | null): string | null {
  return limits === null && node === null ? null : `${limits ?? ''}\n${node === null ? '' : nodeText(node)}`;
}

export function readTies(cell: Cell): Ties {
  if (cell === null) return untied;
  const both = text(cell);
  const end = both.indexOf('\n');
  return { limits: both.slice(0, end) || null, node: both.slice(end + 1) || null };
}

export function nodeText({ index, workflow }: NodeRef): string {
  return `${index} ${workflow}`;
}

/** The index comes first and ends at the first space; the id may hold spaces. */
export function readNodeRef(ref: string): NodeRef {
  const space = ref.indexOf(' ');
  return { workflow: ref.slice(space + 1), index: Number(ref.slice(0, space)) };
}
