import { type Json, type Millis, State, type StateName, stateName } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import { integer, text } from './row.ts';

interface Delta {
  /** When the queue was first named in this transaction: its creation, where it is new. */
  readonly since: Millis;
  readonly counts: Record<StateName, number>;
  deadLetter: number;
}

const stateColumns = Object.keys(State).join(', ');
const addCounts = `INSERT INTO ojs_queues (name, created_at, ${stateColumns}, dead_letter) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET ${[...Object.keys(State), 'dead_letter'].map((column) => `${column} = ${column} + excluded.${column}`).join(', ')}`;

/**
 * What one transaction gathers beside its rows, so that it is written once however many jobs changed: counts by queue, the places given,
 * and who is to be woken after the commit.
 */
export class Transaction {
  readonly sql: Connection;
  readonly woken = new Set<string>();
  readonly #deltas = new Map<string, Delta>();
  #sequence: { place: number; position: number } | null = null;
  #paused: ReadonlySet<string> | null = null;

  constructor(sql: Connection) {
    this.sql = sql;
  }

  /** The next place in a queue. */
  place(): number {
    return ++this.#given().place;
  }

  count(queue: string, state: State, by: number, now: Millis): void {
    this.#delta(queue, now).counts[stateName(state)] += by;
  }

  countDeadLetter(queue: string, by: number, now: Millis): void {
    this.#delta(queue, now).deadLetter += by;
  }

  /** Ends an operation: its events become one batch of the log. */
  log(entries: readonly Json[], now: Millis): void {
    if (entries.length === 0) return;
    const given = this.#given();
    this.sql.run(
      'INSERT INTO ojs_events (position, at, count, entries) VALUES (?, ?, ?, ?)',
      given.position + 1,
      now,
      entries.length,
      `[${entries.join(',')}]`,
    );
    given.position += entries.length;
  }

  isPaused(queue: string): boolean {
    this.#paused ??= new Set(this.sql.all('SELECT name FROM ojs_queues WHERE paused = 1').map(([name]) => text(name)));
    return this.#paused.has(queue);
  }

  /** To be called after a change of a queue's `paused`. */
  forgetPaused(): void {
    this.#paused = null;
  }

  /** The store was emptied: nothing gathered before counts any more. */
  forget(): void {
    this.#deltas.clear();
    this.#sequence = null;
    this.#paused = null;
    this.woken.clear();
  }

  /** Writes what was gathered. */
  flush(): void {
    for (const [queue, { since, counts, deadLetter }] of this.#deltas) {
      this.sql.run(addCounts, queue, since, ...Object.values(counts), deadLetter);
    }
    this.#deltas.clear();
    if (!this.#sequence) return;
    this.sql.run('UPDATE ojs_store SET place = ?, position = ?', this.#sequence.place, this.#sequence.position);
  }

  #given(): { place: number; position: number } {
    if (!this.#sequence) {
      const cells = this.sql.get('SELECT place, position FROM ojs_store');
      this.#sequence = { place: integer(cells?.[0]), position: integer(cells?.[1]) };
    }
    return this.#sequence;
  }

  #delta(queue: string, now: Millis): Delta {
    let delta = this.#deltas.get(queue);
    if (!delta) {
      const counts = { scheduled: 0, available: 0, pending: 0, active: 0, completed: 0, retryable: 0, cancelled: 0, discarded: 0 };
      delta = { since: now, counts, deadLetter: 0 };
      this.#deltas.set(queue, delta);
    }
    return delta;
  }
}
