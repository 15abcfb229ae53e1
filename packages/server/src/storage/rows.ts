/**
 * Readers of rows that the storages share: SQLite and PostgreSQL have the same order of columns, all of them the same
 * words.
 */

import { type EventBatch, type EventKind, kindMask } from '@ojs-ts/core/events';
import type { NodeState, WorkflowState } from '@ojs-ts/core/job';
import { type Histogram, newFigures, sumNames } from '@ojs-ts/core/statistics';
import type { NodeRecord, WorkflowRecord } from '@ojs-ts/core/workflow';
import { type Cell, flag, integer, integerOrNull, readTexts, text, textOrNull } from './cells.ts';
import type { Directive, Dumped, InboxEntry, MinuteRecord, StoredRecord, WorkerRecord } from './storage.ts';

type Cells = readonly Cell[];

const columns = new Map<string, string>();

/** The members of a record under the names of their columns. */
export function columnsOf(record: object, ...without: readonly string[]): Readonly<Record<string, unknown>> {
  const row: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) if (!without.includes(name)) row[columnOf(name)] = value;
  return row;
}

function columnOf(name: string): string {
  const known = columns.get(name);
  if (known !== undefined) return known;
  const column = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  columns.set(name, column);
  return column;
}

export const recordColumns = 'kind, key, version, created_at, updated_at, body';

export function readRecord(cells: Cells): StoredRecord {
  return {
    kind: text(cells[0]),
    key: text(cells[1]),
    version: integer(cells[2]),
    createdAt: integer(cells[3]),
    updatedAt: integer(cells[4]),
    body: text(cells[5]),
  };
}

export function readEntry(cells: Cells): InboxEntry {
  return { number: integer(cells[0]), id: text(cells[1]), request: text(cells[2]) };
}

/** A committed completion of a user's transaction: the ACK of a job. */
export function readCompletion(cells: Cells): Dumped['completion'] {
  return { number: integer(cells[0]), id: text(cells[1]), claim: integer(cells[2]), result: textOrNull(cells[3]) };
}

export const workerColumns = 'worker, seen_at, seen_before, state, directive, info, holds, held_before';

export function readWorker(cells: Cells): WorkerRecord {
  return {
    worker: text(cells[0]),
    seenAt: integer(cells[1]),
    seenBefore: integerOrNull(cells[2]),
    state: readDirective(cells[3]) ?? 'running',
    directive: readDirective(cells[4]),
    info: text(cells[5]),
    holds: readIds(cells[6]),
    heldBefore: readIds(cells[7]),
  };
}

export function readDirective(cell: Cell): Directive | null {
  if (cell === null || cell === 'running' || cell === 'quiet' || cell === 'terminate') return cell;
  throw new TypeError(`The store: '${String(cell)}' is no state of a worker.`);
}

export function readIds(cell: Cell): WorkerRecord['holds'] {
  const json = textOrNull(cell);
  return json === null ? null : readTexts(json);
}

/** The columns of the sums of a minute, in the order of `sumNames`. */
export const sumColumns: readonly string[] = sumNames.map(columnOf);

/** Minute, queue, type, sums in the order of {@link sumColumns}, durations as {@link histogramText} writes them. */
export function readMinute(cells: Cells): MinuteRecord {
  const figures = newFigures();
  for (const [at, name] of sumNames.entries()) figures[name] = integer(cells[at + 3]);
  const histogram = readHistogram(textOrNull(cells[sumNames.length + 3]) ?? '');
  return { minute: integer(cells[0]), queue: text(cells[1]), type: text(cells[2]), ...figures, histogram };
}

/** A word a code, with its count where that is not 1, and a space before each: texts that follow each other add up. */
export function histogramText(histogram: Histogram): string {
  let words = '';
  for (const [code, count] of Object.entries(histogram)) words += count === 1 ? ` ${code}` : ` ${code}x${count}`;
  return words;
}

export function readHistogram(words: string): Histogram {
  const histogram: Record<number, number> = {};
  for (const word of words.split(' ')) {
    if (word === '') continue;
    const [code = '', count = '1'] = word.split('x');
    histogram[Number(code)] = (histogram[Number(code)] ?? 0) + Number(count);
  }
  return histogram;
}

/** Position, time, count, entries. */
export function readBatch(cells: Cells): EventBatch {
  return { position: integer(cells[0]), at: integer(cells[1]), count: integer(cells[2]), entries: text(cells[3]) };
}

/** The column of kinds by which batches of events are indexed. */
export function rareOf(kinds: readonly EventKind[]): number | null {
  return kinds.length === 0 ? null : kindMask(kinds);
}

export const workflowColumns =
  'id, name, kind, spec, total, state, completed, failed, cancelled, created_at, finished_at, "end", sweeping';
export const nodeColumns = 'number, state, open, failed, member, closed_at, name, job, next, result, error, spec';

export function readWorkflow(cells: Cells): WorkflowRecord {
  return {
    id: text(cells[0]),
    name: text(cells[1]),
    kind: text(cells[2]),
    spec: text(cells[3]),
    total: integer(cells[4]),
    state: readWorkflowState(cells[5]),
    completed: integer(cells[6]),
    failed: integer(cells[7]),
    cancelled: integer(cells[8]),
    createdAt: integer(cells[9]),
    finishedAt: integerOrNull(cells[10]),
    end: textOrNull(cells[11]),
    sweeping: flag(cells[12]),
  };
}

/** @param next the dependents, of which every storage has a column type of its own. */
export function readNode(
  { workflow, index, next }: Pick<NodeRecord, 'workflow' | 'index' | 'next'>,
  cells: Cells,
): NodeRecord {
  return {
    workflow,
    index,
    state: readNodeState(cells[1]),
    open: integer(cells[2]),
    failed: integer(cells[3]),
    member: flag(cells[4]),
    closedAt: integerOrNull(cells[5]),
    name: text(cells[6]),
    job: textOrNull(cells[7]),
    next,
    result: textOrNull(cells[9]),
    error: textOrNull(cells[10]),
    spec: text(cells[11]),
  };
}

export function readWorkflowState(cell: Cell): WorkflowState {
  if (cell === 'running' || cell === 'completed' || cell === 'failed' || cell === 'cancelled') return cell;
  throw new TypeError(`The store: '${String(cell)}' is no state of a workflow.`);
}

export function readNodeState(cell: Cell): NodeState {
  if (cell === 'waiting' || cell === 'pending' || cell === 'completed' || cell === 'failed' || cell === 'cancelled')
    return cell;
  throw new TypeError(`The store: '${String(cell)}' is no state of a node.`);
}
