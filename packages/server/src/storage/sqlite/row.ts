import type { SQLOutputValue } from 'node:sqlite';
import { defaultHeartbeatMs, type JobRecord, type NodeRef, State } from '@ojs-ts/core/job';
import { integer, integerOrNull, readTexts, state, text, textOrNull } from '../cells.ts';

export { integer, integerOrNull, readNumbers, readTexts, state, text, textOrNull } from '../cells.ts';

export type Cells = readonly SQLOutputValue[];
type Cell = SQLOutputValue | undefined;

/** The columns of a job in the order in which {@link readJob} expects them, `number` first. */
export const jobColumns =
  'number, state, claim, attempt, priority, run_at, enqueued_at, started_at, beat_at, finished_at, dead_letter, ' +
  'lease_ms, lease_until, timeout_ms, bounds, expires_at, created_at, id, queue, type, worker, trace, ties, ' +
  'unique_key, result, progress, checkpoint, history, policy, envelope, cron, lease_required';

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

/** As {@link jobColumns}, for decisions, which need no long envelope and no long checkpoint: those are empty. */
export const decisionColumns = jobColumns
  .split(', ')
  .map((name) => (name === 'envelope' || name === 'checkpoint' ? long(name) : name))
  .join(', ');

/**
 * The columns that {@link readReady} expects: not those that are the same in every available job, or that a claim sets.
 * Long texts are left out, so that a claim reads no more of them than it hands out.
 */
export const readyColumns =
  'number, place, priority, claim, attempt, run_at, enqueued_at, timeout_ms, bounds, expires_at, created_at, id, ' +
  'queue, type, trace, ties, unique_key, ' +
  `${['result', 'checkpoint', 'history', 'policy', 'envelope'].map(long).join(', ')}, ` +
  `cron, CASE WHEN ${isLong} THEN ${longTexts.map((name) => `coalesce(octet_length(${name}), 0)`).join(' + ')} END`;

export function readReady(cells: Cells): ReadyRow {
  const { limits, node } = readTies(cells[15]);
  const priority = integer(cells[2]);
  const { heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt } = readBounds(cells[8]);
  return {
    number: integer(cells[0]),
    place: integer(cells[1]),
    priority,
    limits,
    leftOut: integerOrNull(cells[23]),
    job: {
      id: text(cells[11]),
      type: text(cells[13]),
      queue: text(cells[12]),
      state: State.available,
      priority,
      attempt: integer(cells[4]),
      claim: integer(cells[3]),
      // A claim sets it.
      leaseRequired: false,
      runAt: integer(cells[5]),
      timeoutMs: integer(cells[7]),
      heartbeatMs,
      visibilityMs,
      laterExpiresAt,
      deadlineAt,
      expiresAt: integerOrNull(cells[9]),
      createdAt: integer(cells[10]),
      enqueuedAt: integerOrNull(cells[6]),
      startedAt: null,
      worker: null,
      leaseMs: null,
      leaseUntil: null,
      beatAt: null,
      finishedAt: null,
      trace: textOrNull(cells[14]),
      uniqueKey: textOrNull(cells[16]),
      limits: limits === null ? noLimits : readTexts(limits),
      node: node === null ? null : readNodeRef(node),
      cron: textOrNull(cells[22]),
      deadLetter: false,
      envelope: text(cells[21]),
      policy: textOrNull(cells[20]),
      result: textOrNull(cells[17]),
      progress: null,
      checkpoint: textOrNull(cells[18]),
      history: text(cells[19]),
    },
  };
}

export function readJob(cells: Cells): JobRow {
  const { limits, node } = readTies(cells[22]);
  const { heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt } = readBounds(cells[14]);
  return {
    number: integer(cells[0]),
    limits,
    job: {
      id: text(cells[17]),
      type: text(cells[19]),
      queue: text(cells[18]),
      state: state(cells[1]),
      priority: integer(cells[4]),
      attempt: integer(cells[3]),
      claim: integer(cells[2]),
      leaseRequired: cells[31] !== 0,
      runAt: integer(cells[5]),
      timeoutMs: integer(cells[13]),
      heartbeatMs,
      visibilityMs,
      laterExpiresAt,
      deadlineAt,
      expiresAt: integerOrNull(cells[15]),
      createdAt: integer(cells[16]),
      enqueuedAt: integerOrNull(cells[6]),
      startedAt: integerOrNull(cells[7]),
      worker: textOrNull(cells[20]),
      leaseMs: integerOrNull(cells[11]),
      leaseUntil: integerOrNull(cells[12]),
      beatAt: integerOrNull(cells[8]),
      finishedAt: integerOrNull(cells[9]),
      trace: textOrNull(cells[21]),
      uniqueKey: textOrNull(cells[23]),
      limits: limits === null ? noLimits : readTexts(limits),
      node: node === null ? null : readNodeRef(node),
      cron: textOrNull(cells[30]),
      deadLetter: cells[10] !== 0,
      envelope: text(cells[29]),
      policy: textOrNull(cells[28]),
      result: textOrNull(cells[24]),
      progress: textOrNull(cells[25]),
      checkpoint: textOrNull(cells[26]),
      history: text(cells[27]),
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
