import { type EventKind, type EventSubject, type Json, jobEventEntry, type Millis, type State } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import type { Numbers } from './numbers.ts';
import { statements } from './statements.ts';

/** The events of the operation that runs: they become one batch of the log. */
export class Log {
  readonly #sql: Connection;
  readonly #numbers: Numbers;
  readonly #on: boolean;
  #text = '';
  #count = 0;
  #grown = false;

  constructor(sql: Connection, numbers: Numbers, on: boolean) {
    this.#sql = sql;
    this.#numbers = numbers;
    this.#on = on;
  }

  /** Whether the transaction has written a batch. */
  get grown(): boolean {
    return this.#grown;
  }

  job(kind: EventKind, job: EventSubject, from: State | null, data: Json | null = null): void {
    if (this.#on) this.#push(jobEventEntry(kind, job, from, data));
  }

  add(entries: readonly Json[]): void {
    if (this.#on) for (const entry of entries) this.#push(entry);
  }

  /** Ends an operation. */
  end(now: Millis): void {
    if (this.#count === 0) return;
    this.#sql.change(statements.log, this.#numbers.positions(this.#count), now, this.#count, `${this.#text}]`);
    this.#text = '';
    this.#count = 0;
    this.#grown = true;
  }

  /** Added up as one text, which is copied once: an array to be joined costs a copy more. */
  #push(entry: Json): void {
    this.#text += (this.#count === 0 ? '[' : ',') + entry;
    this.#count += 1;
  }
}
