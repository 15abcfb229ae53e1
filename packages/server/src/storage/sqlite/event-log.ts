import {
  type EventBatch,
  EventEntries,
  type EventKind,
  type EventSubject,
  type Json,
  type Millis,
  type State,
} from '@ojs-ts/core';
import type { Connection } from './disk/connection.ts';
import { integer, text } from './row.ts';
import type { Sequences } from './sequences.ts';
import { statements } from './statements.ts';

/** The events of a transaction. Those of one operation become one batch of the log. */
export class EventLog {
  readonly #sql: Connection;
  readonly #sequences: Sequences;
  readonly #on: boolean;
  readonly #entries = new EventEntries();
  #grown = false;

  constructor(sql: Connection, sequences: Sequences, logs: boolean) {
    this.#sql = sql;
    this.#sequences = sequences;
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

  /** Writes the batch of the operation that ends. */
  end(now: Millis): void {
    const batch = this.#entries.take();
    if (batch === null) return;
    this.#sql.change(statements.log, this.#sequences.positions(batch.count), now, batch.count, batch.entries);
    this.#grown = true;
  }
}

/**
 * Batches that hold an event after position `after`, up to about `limit` events, and the oldest and newest position of
 * the log.
 */
export function readEvents(
  sql: Connection,
  after: number,
  limit: number,
): { readonly batches: readonly EventBatch[]; readonly oldest: number; readonly newest: number } {
  const newest = integer(sql.get('SELECT position FROM ojs_store')?.[0]);
  const oldest = sql.get('SELECT position FROM ojs_events ORDER BY position LIMIT 1')?.[0] ?? newest + 1;
  const batches: EventBatch[] = [];
  let count = 0;
  // The batch that starts at or before `after` may reach beyond it.
  let from = integer(sql.get('SELECT coalesce(max(position), 0) FROM ojs_events WHERE position <= ?', after)?.[0]);
  while (count < limit) {
    const cells = sql.get(
      'SELECT position, at, count, entries FROM ojs_events WHERE position >= ? ORDER BY position LIMIT 1',
      from,
    );
    if (!cells) break;
    const batch = {
      position: integer(cells[0]),
      at: integer(cells[1]),
      count: integer(cells[2]),
      entries: text(cells[3]),
    };
    from = batch.position + batch.count;
    if (from - 1 <= after) continue;
    batches.push(batch);
    count += batch.count;
  }
  return { batches, oldest: integer(oldest), newest };
}
