import { EventEntries, type EventKind, type EventSubject, type Json, type Millis, type State } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import type { Numbers } from './numbers.ts';
import { statements } from './statements.ts';

/** The events of the operation that runs: they become one batch of the log. */
export class Log {
  readonly #sql: Connection;
  readonly #numbers: Numbers;
  readonly #on: boolean;
  readonly #entries = new EventEntries();
  #grown = false;

  constructor(sql: Connection, numbers: Numbers, logs: boolean) {
    this.#sql = sql;
    this.#numbers = numbers;
    this.#on = logs;
  }

  /** Whether the transaction has written a batch. */
  get grown(): boolean {
    return this.#grown;
  }

  job(kind: EventKind, job: EventSubject, from: State | null, data: Json | null = null): void {
    if (this.#on) this.#entries.job(kind, job, from, data);
  }

  node(...member: Parameters<EventEntries['node']>): void {
    if (this.#on) this.#entries.node(...member);
  }

  add(entries: readonly Json[]): void {
    if (this.#on) this.#entries.add(entries);
  }

  /** Ends an operation. */
  end(now: Millis): void {
    const batch = this.#entries.take();
    if (batch === null) return;
    this.#sql.change(statements.log, this.#numbers.positions(batch.count), now, batch.count, batch.entries);
    this.#grown = true;
  }
}
