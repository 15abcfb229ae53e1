import { type Millis, minuteOf, noSums, State, type Sums, type WorkflowState } from '@ojs-ts/core';
import { numbers, texts } from './sql.ts';

type Writable<T> = { -readonly [name in keyof T]: T[name] };

/** The index of the dead letter, behind the eight states in the order of their bits. */
const deadLetter = 8;

const countColumns = [...Object.keys(State), 'dead_letter'].join(', ');

/**
 * Appends counters, sums and events in one statement. The values are those of {@link Counters.take} and the batch of
 * events.
 */
export const append = `WITH counted AS (
    INSERT INTO ojs.counts (at, queue, ${countColumns})
    SELECT $1, * FROM unnest($2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[], $10::int[], $11::int[])
  ), summed AS (
    INSERT INTO ojs.minutes (minute, queue, enqueued, started, completed, failed, discarded, duration_ms, wait_ms)
    SELECT $12, * FROM unnest($13::text[], $14::int[], $15::int[], $16::int[], $17::int[], $18::int[], $19::bigint[], $20::bigint[])
  ), workflows AS (
    INSERT INTO ojs.workflow_counts (state, count) SELECT * FROM unnest($21::text[], $22::int[])
  )
  INSERT INTO ojs.events (at, count, entries, rare) SELECT $1, $23, $24, $25 WHERE $23 > 0`;

/**
 * The counters of a transaction. They are appended as rows, never added to a row that others write too; upkeep adds the
 * rows up.
 */
export class Counters {
  readonly #queues = new Map<string, number[]>();
  readonly #minutes = new Map<string, Writable<Sums>>();
  readonly #workflows = new Map<WorkflowState, number>();

  add(queue: string, state: State, by: number): void {
    this.#add(queue, 31 - Math.clz32(state), by);
  }

  addDeadLetter(queue: string, by: number): void {
    this.#add(queue, deadLetter, by);
  }

  /** Adds to the statistics of the minute of the transaction. */
  sum(queue: string, more: Partial<Sums>): void {
    const { enqueued = 0, started = 0, completed = 0, failed = 0, discarded = 0, durationMs = 0, waitMs = 0 } = more;
    if (enqueued + started + completed + failed + discarded === 0) return;
    const sums = this.#minutes.get(queue) ?? { ...noSums };
    this.#minutes.set(queue, sums);
    sums.enqueued += enqueued;
    sums.started += started;
    sums.completed += completed;
    sums.failed += failed;
    sums.discarded += discarded;
    sums.durationMs += durationMs;
    sums.waitMs += waitMs;
  }

  addWorkflow(state: WorkflowState, by: number): void {
    this.#workflows.set(state, (this.#workflows.get(state) ?? 0) + by);
  }

  /** Returns the values of {@link append} and starts anew; null where nothing was counted. */
  take(now: Millis): readonly unknown[] | null {
    if (this.#queues.size + this.#minutes.size + this.#workflows.size === 0) return null;
    const counts = [...this.#queues.values()];
    const sums = [...this.#minutes.values()];
    const values = [
      now,
      texts([...this.#queues.keys()]),
      ...Array.from({ length: deadLetter + 1 }, (_, at) => numbers(counts.map((row) => row[at] ?? 0))),
      minuteOf(now),
      texts([...this.#minutes.keys()]),
      numbers(sums.map(({ enqueued }) => enqueued)),
      numbers(sums.map(({ started }) => started)),
      numbers(sums.map(({ completed }) => completed)),
      numbers(sums.map(({ failed }) => failed)),
      numbers(sums.map(({ discarded }) => discarded)),
      numbers(sums.map(({ durationMs }) => durationMs)),
      numbers(sums.map(({ waitMs }) => waitMs)),
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
