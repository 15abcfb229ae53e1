/** Rows that the storages share: SQLite and PostgreSQL have the same columns, all of them the same words. */

import { type EventKind, kindMask } from '@ojs-ts/core/events';
import { type LimitNumbers, type NodeState, State, stateName, stateNames, type WorkflowState } from '@ojs-ts/core/job';
import { parseNumbers } from '@ojs-ts/core/lifecycle';
import { type Histogram, sumNames } from '@ojs-ts/core/statistics';
import { type Cell, flag, integer, integerOrNull, readTexts, text, textOrNull } from './cells.ts';
import { alike, columns, snakeCase } from './columns.ts';
import type { Directive, QueueRecord, WorkerRecord } from './storage.ts';

const names = new Map<string, string>();

/**
 * The members of a record under the names of their columns.
 * @throws Error if a name is none of a column: names become a part of statements, and a backup may have any.
 */
export function columnsOf(record: object, ...without: readonly string[]): Readonly<Record<string, unknown>> {
  const row: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    if (without.includes(name)) continue;
    row[names.get(name) ?? nameColumn(name)] = value;
  }
  return row;
}

function nameColumn(name: string): string {
  if (!/^[a-z]+$/i.test(name)) throw new Error(`${name}: expected the name of a column`);
  const column = snakeCase(name);
  names.set(name, column);
  return column;
}

export const recordColumns = columns({
  kind: text,
  key: text,
  version: integer,
  createdAt: integer,
  updatedAt: integer,
  body: text,
});

export const entryColumns = columns({ number: integer, id: text, request: text });

/** A committed completion of a user's transaction: the ACK of a job. */
export const completionColumns = columns({ number: integer, id: text, claim: integer, result: textOrNull });

/** The numbers of a limit. */
export function limitNumbers(cell: Cell): LimitNumbers {
  return parseNumbers(text(cell));
}

export function limitNumbersOrNull(cell: Cell): LimitNumbers | null {
  return cell === null ? null : limitNumbers(cell);
}

export const queueColumns = columns({
  name: text,
  createdAt: integer,
  paused: flag,
  capacity: integerOrNull,
  config: text,
  version: integer,
  deadLetter: integer,
  ...alike(stateNames(0xff), integer),
});

export function queueRecord(row: ReturnType<typeof queueColumns.read>): QueueRecord {
  const { name, createdAt, paused, capacity, config, version, deadLetter } = row;
  const counts: Partial<Record<State, number>> = {};
  for (const state of Object.values(State)) {
    const count = row[stateName(state)];
    if (count > 0) counts[state] = count;
  }
  return { name, createdAt, paused, counts, deadLetter, capacity, config, version };
}

export const batchColumns = columns({ position: integer, at: integer, count: integer, entries: text });

export const workerColumns = columns({
  worker: text,
  seenAt: integer,
  seenBefore: integerOrNull,
  state: (cell) => readDirective(cell) ?? 'running',
  directive: readDirective,
  info: text,
  holds: readIds,
  heldBefore: readIds,
});

export function readDirective(cell: Cell): Directive | null {
  if (cell === null || cell === 'running' || cell === 'quiet' || cell === 'terminate') return cell;
  throw unknownState('worker', cell, 'running, quiet or terminate');
}

export function readIds(cell: Cell): WorkerRecord['holds'] {
  const json = textOrNull(cell);
  return json === null ? null : readTexts(json);
}

/** The columns of the sums of a minute. */
export const sumColumns: readonly string[] = sumNames.map(snakeCase);

/** Durations are as {@link histogramText} writes them. */
export const minuteColumns = columns({
  minute: integer,
  queue: text,
  type: text,
  ...alike(sumNames, integer),
  histogram: (cell) => readHistogram(textOrNull(cell) ?? ''),
});

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

export const workflowColumns = columns({
  id: text,
  name: text,
  kind: text,
  spec: text,
  total: integer,
  state: readWorkflowState,
  completed: integer,
  failed: integer,
  cancelled: integer,
  createdAt: integer,
  finishedAt: integerOrNull,
  end: ['"end"', textOrNull],
  sweeping: flag,
});

/** @param next reads the dependents, of which every storage has a column type of its own. */
export function nodeColumns<T>(next: (cell: Cell) => T) {
  return columns({
    number: integer,
    state: readNodeState,
    open: integer,
    failed: integer,
    member: flag,
    closedAt: integerOrNull,
    name: text,
    job: textOrNull,
    next,
    result: textOrNull,
    error: textOrNull,
    spec: text,
  });
}

export function readWorkflowState(cell: Cell): WorkflowState {
  if (cell === 'running' || cell === 'completed' || cell === 'failed' || cell === 'cancelled') return cell;
  throw unknownState('workflow', cell, 'running, completed, failed or cancelled');
}

export function readNodeState(cell: Cell): NodeState {
  if (cell === 'waiting' || cell === 'pending' || cell === 'completed' || cell === 'failed' || cell === 'cancelled')
    return cell;
  throw unknownState('node', cell, 'waiting, pending, completed, failed or cancelled');
}

function unknownState(of: string, cell: Cell, expected: string): TypeError {
  return new TypeError(
    `The storage holds the ${of} state '${String(cell)}'; expected ${expected}. ` +
      'A newer version of ojs may have written it: start that version.',
  );
}

/** The column of kinds by which batches of events are indexed. */
export function rareOf(kinds: readonly EventKind[]): number | null {
  return kinds.length === 0 ? null : kindMask(kinds);
}
