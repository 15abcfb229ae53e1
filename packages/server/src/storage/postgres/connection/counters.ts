import type { Millis } from '@ojs-ts/core';
import { type JobRecord, State, type WorkflowState } from '@ojs-ts/core/job';
import {
  type Addition,
  addChange,
  type Histogram,
  type MutableFigures,
  minuteOf,
  newFigures,
  nothingAdded,
  sumNames,
} from '@ojs-ts/core/statistics';
import { sumColumns } from '../../rows.ts';
import { numbers, texts } from './sql.ts';

/** The index of the dead letter, behind the eight states in the order of their bits. */
const deadLetter = 8;

const countColumns = [...Object.keys(State), 'dead_letter'].join(', ');
const minuteColumns = ['queue', 'type', ...sumColumns, 'codes', 'counts'];
const minuteTypes = ['text', 'text', ...sumColumns.map(() => 'bigint'), 'text', 'text'];
/** The parameters: before those of minutes are the time, the queue, its counts and the minute. */
const firstOfMinutes = 5 + Object.keys(State).length;
const [workflow, count, logged, entries, rare] = [0, 1, 2, 3, 4].map(
  (at) => `$${firstOfMinutes + minuteColumns.length + at}`,
);

/**
 * Appends counters, sums and events in one statement. The values are those of {@link Counters.take} and the batch of
 * events.
 */
export const append = `WITH counted AS (
    INSERT INTO ojs.counts (at, queue, ${countColumns})
    SELECT $1, * FROM unnest($2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[],
      $10::int[], $11::int[])
  ), summed AS (
    INSERT INTO ojs.minutes (minute, ${minuteColumns.join(', ')})
    SELECT $${firstOfMinutes - 1}, queue, type, ${sumColumns.join(', ')}, codes::smallint[], counts::integer[]
    FROM unnest(${minuteTypes.map((type, at) => `$${firstOfMinutes + at}::${type}[]`).join(', ')})
      AS each (${minuteColumns.join(', ')})
  ), workflows AS (
    INSERT INTO ojs.workflow_counts (state, count) SELECT * FROM unnest(${workflow}::text[], ${count}::int[])
  )
  INSERT INTO ojs.events (at, count, entries, rare) SELECT $1, ${logged}, ${entries}, ${rare} WHERE ${logged} > 0`;
/** The parameters of {@link append} behind the time and before those of events. */
export const countedParameters = firstOfMinutes + minuteColumns.length;

/** The minute of the transaction, of a type in a queue. */
interface Summed {
  readonly queue: string;
  readonly type: string;
  readonly figures: MutableFigures;
}

/**
 * The counters of a transaction. They are appended as rows, never added to a row that others write too; upkeep adds the
 * rows up.
 */
export class Counters {
  readonly #queues = new Map<string, number[]>();
  readonly #minutes = new Map<string, Summed>();
  readonly #workflows = new Map<WorkflowState, number>();

  add(queue: string, state: State, by: number): void {
    this.#add(queue, 31 - Math.clz32(state), by);
  }

  addDeadLetter(queue: string, by: number): void {
    this.#add(queue, deadLetter, by);
  }

  /** Adds to the statistics of the minute of the transaction. */
  sum({ queue, type }: Pick<JobRecord, 'queue' | 'type'>, more: Addition): void {
    if (more === nothingAdded) return;
    const key = `${queue} ${type}`;
    const summed = this.#minutes.get(key) ?? { queue, type, figures: newFigures() };
    this.#minutes.set(key, summed);
    addChange(summed.figures, more);
  }

  addWorkflow(state: WorkflowState, by: number): void {
    this.#workflows.set(state, (this.#workflows.get(state) ?? 0) + by);
  }

  /** Returns the values of {@link append} and restarts from zero; null if nothing was counted. */
  take(now: Millis): readonly unknown[] | null {
    if (this.#queues.size + this.#minutes.size + this.#workflows.size === 0) return null;
    const counts = [...this.#queues.values()];
    const minutes = [...this.#minutes.values()];
    const values = [
      now,
      texts([...this.#queues.keys()]),
      ...Array.from({ length: deadLetter + 1 }, (_, at) => numbers(counts.map((row) => row[at] ?? 0))),
      minuteOf(now),
      texts(minutes.map(({ queue }) => queue)),
      texts(minutes.map(({ type }) => type)),
      ...sumNames.map((name) => numbers(minutes.map(({ figures }) => figures[name]))),
      texts(minutes.map(({ figures }) => codesOf(figures.histogram))),
      texts(minutes.map(({ figures }) => countsOf(figures.histogram))),
      texts([...this.#workflows.keys()]),
      numbers([...this.#workflows.values()]),
    ];
    this.#queues.clear();
    this.#minutes.clear();
    this.#workflows.clear();
    return values;
  }

  #add(queue: string, at: number, by: number): void {
    let counts = this.#queues.get(queue);
    if (!counts) {
      counts = [0, 0, 0, 0, 0, 0, 0, 0, 0];
      this.#queues.set(queue, counts);
    }
    counts[at] = (counts[at] ?? 0) + by;
  }
}

/** An array as PostgreSQL reads it; null if there is nothing. */
function codesOf(histogram: Histogram): string | null {
  const codes = Object.keys(histogram);
  return codes.length === 0 ? null : `{${codes.join(',')}}`;
}

/** Null if every code counts once. */
function countsOf(histogram: Histogram): string | null {
  const counts = Object.values(histogram);
  return counts.every((count) => count === 1) ? null : `{${counts.join(',')}}`;
}
