import { type Millis, minuteOf, noSums, State, type Sums } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import type { Numbers } from './numbers.ts';
import { integer, integerOrNull } from './row.ts';
import { statements } from './statements.ts';

/** What a transaction reads of a queue. */
export interface QueueRow {
  readonly paused: boolean;
  readonly capacity: number | null;
  readonly line: number;
  /** Whether jobs have ever waited in lanes of it. */
  readonly hasLanes: boolean;
  /** Whether it is limited as a whole. */
  readonly hasGate: boolean;
  /** Before this transaction's own changes. */
  readonly waiting: number;
  readonly available: number;
  readonly active: number;
}

interface Delta {
  /** When the queue was first named in this transaction: its creation, where it is new. */
  readonly since: Millis;
  /** By the place of the state's bit, which is also the order of the columns; then the dead letter. */
  readonly counts: number[];
}

interface Summed {
  readonly minute: Millis;
  readonly queue: string;
  readonly sums: { -readonly [name in keyof Sums]: number };
}

/** Where the dead letter is counted, behind the eight states. */
const deadLetter = 8;
const stateColumns = Object.keys(State).join(', ');
const addCounts = `INSERT INTO ojs_queues (name, created_at, line, ${stateColumns}, dead_letter) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET ${[...Object.keys(State), 'dead_letter'].map((column) => `${column} = ${column} + excluded.${column}`).join(', ')}`;
const minuteColumns = ['enqueued', 'started', 'completed', 'failed', 'discarded', 'duration_ms', 'wait_ms'];
const addMinute = `INSERT INTO ojs_minutes (minute, queue, ${minuteColumns.join(', ')}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (minute, queue) DO UPDATE SET ${minuteColumns.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')}`;

/** The queues as a transaction sees them, and what it counts in them: written once, however many jobs changed. */
export class Counts {
  readonly #sql: Connection;
  readonly #numbers: Numbers;
  readonly #rows = new Map<string, QueueRow | null>();
  readonly #deltas = new Map<string, Delta>();
  /** Queues that got their first lane. */
  readonly #laned = new Set<string>();
  /** The last one that was counted in: most often the next is the same. */
  #counted: { readonly queue: string; readonly counts: number[] } | null = null;
  readonly #minutes = new Map<string, Summed>();
  #summed: Summed | null = null;

  constructor(sql: Connection, numbers: Numbers) {
    this.#sql = sql;
    this.#numbers = numbers;
  }

  /** Null where there is no such queue. */
  find(queue: string): QueueRow | null {
    let row = this.#rows.get(queue);
    if (row === undefined) {
      const cells = this.#sql.get(statements.queue, queue);
      row = cells
        ? {
            paused: cells[0] === 1,
            capacity: integerOrNull(cells[1]),
            line: integer(cells[2]),
            waiting: integer(cells[3]),
            available: integer(cells[4]),
            active: integer(cells[5]),
            hasLanes: cells[6] !== 0,
            hasGate: cells[7] !== 0,
          }
        : null;
      this.#rows.set(queue, row);
    }
    return row;
  }

  hasLanes(queue: string): boolean {
    return this.find(queue)?.hasLanes === true || this.#laned.has(queue);
  }

  laned(queue: string): void {
    if (!this.hasLanes(queue)) this.#laned.add(queue);
  }

  /** The line of the queue's jobs without limits. A queue that is not there yet is made with its first count. */
  line(queue: string): number {
    const row = this.find(queue);
    if (row) return row.line;
    const line = this.#numbers.line();
    this.#rows.set(queue, {
      paused: false,
      capacity: null,
      line,
      hasLanes: false,
      hasGate: true,
      waiting: 0,
      available: 0,
      active: 0,
    });
    return line;
  }

  add(queue: string, state: State, by: number, now: Millis): void {
    this.#add(queue, bitOf(state), by, now);
  }

  addDeadLetter(queue: string, by: number, now: Millis): void {
    this.#add(queue, deadLetter, by, now);
  }

  sum(queue: string, more: Partial<Sums>, now: Millis): void {
    const { enqueued = 0, started = 0, completed = 0, failed = 0, discarded = 0, durationMs = 0, waitMs = 0 } = more;
    if (enqueued + started + completed + failed + discarded === 0) return;
    const sums = this.#minute(queue, now);
    sums.enqueued += enqueued;
    sums.started += started;
    sums.completed += completed;
    sums.failed += failed;
    sums.discarded += discarded;
    sums.durationMs += durationMs;
    sums.waitMs += waitMs;
  }

  /** Jobs that wait for their time or a worker. */
  depth(queue: string): number {
    const more =
      this.#more(queue, State.available) + this.#more(queue, State.scheduled) + this.#more(queue, State.retryable);
    return (this.find(queue)?.waiting ?? 0) + more;
  }

  available(queue: string): number {
    return (this.find(queue)?.available ?? 0) + this.#more(queue, State.available);
  }

  active(queue: string): number {
    return (this.find(queue)?.active ?? 0) + this.#more(queue, State.active);
  }

  forget(): void {
    this.#rows.clear();
    this.#deltas.clear();
    this.#laned.clear();
    this.#minutes.clear();
    this.#counted = null;
    this.#summed = null;
  }

  flush(): void {
    for (const [queue, { since, counts }] of this.#deltas) {
      // A queue that was never read is there already, with its line.
      this.#sql.change(addCounts, queue, since, this.#rows.get(queue)?.line ?? 0, ...counts);
    }
    for (const queue of this.#laned) this.#sql.change('UPDATE ojs_queues SET has_lanes = 1 WHERE name = ?', queue);
    for (const { minute, queue, sums } of this.#minutes.values())
      this.#sql.change(addMinute, minute, queue, ...Object.values(sums));
    this.forget();
  }

  #minute(queue: string, now: Millis): Summed['sums'] {
    const minute = minuteOf(now);
    const last = this.#summed;
    if (last?.queue === queue && last.minute === minute) return last.sums;
    const name = `${minute} ${queue}`;
    const summed = this.#minutes.get(name) ?? { minute, queue, sums: { ...noSums } };
    this.#minutes.set(name, summed);
    this.#summed = summed;
    return summed.sums;
  }

  #add(queue: string, at: number, by: number, now: Millis): void {
    if (this.#counted?.queue !== queue) this.#counted = { queue, counts: this.#delta(queue, now) };
    const { counts } = this.#counted;
    counts[at] = (counts[at] ?? 0) + by;
  }

  #more(queue: string, state: State): number {
    return this.#deltas.get(queue)?.counts[bitOf(state)] ?? 0;
  }

  #delta(queue: string, now: Millis): number[] {
    const known = this.#deltas.get(queue);
    if (known) return known.counts;
    const counts = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    this.#deltas.set(queue, { since: now, counts });
    return counts;
  }
}

function bitOf(state: State): number {
  return 31 - Math.clz32(state);
}
