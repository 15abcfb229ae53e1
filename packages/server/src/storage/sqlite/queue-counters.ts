import type { Millis } from '@ojs-ts/core';
import { type JobRecord, State } from '@ojs-ts/core/job';
import {
  type Addition,
  addChange,
  type MutableFigures,
  minuteOf,
  newFigures,
  nothingAdded,
  sumNames,
} from '@ojs-ts/core/statistics';
import { integer, text } from '../cells.ts';
import { histogramText, readHistogram } from '../rows.ts';
import type { Connection } from './disk/connection.ts';
import type { Sequences } from './sequences.ts';
import { type QueueRow, statements } from './statements.ts';

interface Delta {
  /** When the transaction first named the queue; a new queue is created at this time. */
  readonly since: Millis;
  /** By the index of the state's bit, which is also the order of the columns; then the dead letter. */
  readonly counts: number[];
}

interface Summed {
  readonly minute: Millis;
  readonly queue: string;
  readonly type: string;
  readonly figures: MutableFigures;
}

/** The index of the dead letter's count, behind the eight states. */
const deadLetter = 8;
const stateColumns = Object.keys(State).join(', ');
const addCounts = `INSERT INTO ojs_queues (name, created_at, ready_queue, ${stateColumns}, dead_letter)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET ${added([...Object.keys(State), 'dead_letter'])}`;
/**
 * The longest text of a histogram, in characters. A commit that would exceed it adds the histogram up. An append costs
 * less than a read, an addition and a write, so only about one commit in a hundred adds up.
 */
const longHistogram = 1_024;

/**
 * The queues as a transaction sees them, with the changes of their counters: one write a queue, however many jobs
 * changed.
 */
export class QueueCounters {
  readonly #sql: Connection;
  readonly #sequences: Sequences;
  readonly #rows = new Map<string, QueueRow | null>();
  readonly #deltas = new Map<string, Delta>();
  /** Queues that got their first limit group. */
  readonly #withFirstGroup = new Set<string>();
  /** The queue of the last change, which is most often that of the next one. */
  #counted: { readonly queue: string; readonly counts: number[] } | null = null;
  readonly #minutes = new Map<string, Summed>();
  #summed: Summed | null = null;

  constructor(sql: Connection, sequences: Sequences) {
    this.#sql = sql;
    this.#sequences = sequences;
  }

  /** Null for an unknown queue. */
  find(queue: string): QueueRow | null {
    let row = this.#rows.get(queue);
    if (row === undefined) {
      row = this.#sql.get(statements.queue, queue) ?? null;
      this.#rows.set(queue, row);
    }
    return row;
  }

  hasLimitGroups(queue: string): boolean {
    return this.find(queue)?.hasLimitGroups === true || this.#withFirstGroup.has(queue);
  }

  addedLimitGroup(queue: string): void {
    if (!this.hasLimitGroups(queue)) this.#withFirstGroup.add(queue);
  }

  /** The ready queue of the queue's jobs without limits. The first count inserts a queue that is new. */
  readyQueue(queue: string): number {
    const row = this.find(queue);
    if (row) return row.readyQueue;
    const readyQueue = this.#sequences.readyQueue();
    this.#rows.set(queue, {
      paused: false,
      capacity: null,
      readyQueue,
      hasLimitGroups: false,
      hasQueueLimit: true,
      waiting: 0,
      available: 0,
      active: 0,
    });
    return readyQueue;
  }

  add(queue: string, state: State, by: number, now: Millis): void {
    this.#add(queue, bitOf(state), by, now);
  }

  addDeadLetter(queue: string, by: number, now: Millis): void {
    this.#add(queue, deadLetter, by, now);
  }

  addStatistics({ queue, type }: Pick<JobRecord, 'queue' | 'type'>, more: Addition, now: Millis): void {
    if (more !== nothingAdded) addChange(this.#minute(queue, type, now), more);
  }

  /** Jobs that wait for their time or for a worker. */
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
    this.#withFirstGroup.clear();
    this.#minutes.clear();
    this.#counted = null;
    this.#summed = null;
  }

  flush(): void {
    for (const [queue, { since, counts }] of this.#deltas) {
      // A queue that was not read has a row already, with its ready queue.
      this.#sql.change(addCounts, queue, since, this.#rows.get(queue)?.readyQueue ?? 0, ...counts);
    }
    for (const queue of this.#withFirstGroup)
      this.#sql.change('UPDATE ojs_queues SET has_limit_groups = 1 WHERE name = ?', queue);
    for (const minute of this.#minutes.values()) this.#writeMinute(minute);
    this.forget();
  }

  #minute(queue: string, type: string, now: Millis): MutableFigures {
    const minute = minuteOf(now);
    const last = this.#summed;
    if (last?.type === type && last.queue === queue && last.minute === minute) return last.figures;
    const name = `${minute} ${queue} ${type}`;
    const summed = this.#minutes.get(name) ?? { minute, queue, type, figures: newFigures() };
    this.#minutes.set(name, summed);
    this.#summed = summed;
    return summed.figures;
  }

  #writeMinute({ minute, queue, type, figures }: Summed): void {
    const sums = sumNames.map((name) => figures[name]);
    const words = histogramText(figures.histogram);
    const length = this.#sql.value(statements.addMinute, minute, queue, type, ...sums, words);
    if (integer(length) <= longHistogram || words === '') return;
    const whole = text(this.#sql.value(statements.histogram, minute, queue, type));
    this.#sql.change(statements.setHistogram, histogramText(readHistogram(whole)), minute, queue, type);
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
    const delta = this.#deltas.get(queue);
    if (delta) return delta.counts;
    const counts = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    this.#deltas.set(queue, { since: now, counts });
    return counts;
  }
}

function added(columns: readonly string[]): string {
  return columns.map((column) => `${column} = ${column} + excluded.${column}`).join(', ');
}

function bitOf(state: State): number {
  return 31 - Math.clz32(state);
}
