import type { Millis } from '@ojs-ts/core';
import {
  type EventBatch,
  EventEntries,
  type EventKind,
  type EventSubject,
  indexedOnly,
  kindMask,
} from '@ojs-ts/core/events';
import type { Json, State } from '@ojs-ts/core/job';
import { rareOf, readBatch } from '../rows.ts';
import type { EventsRead } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { integer } from './row.ts';
import type { Sequences } from './sequences.ts';
import { batchColumns, statements } from './statements.ts';

/** The events of a transaction. The events of one operation become one batch of the log. */
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

  /** True if the transaction has written a batch. */
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
    const { count, entries, kinds } = batch;
    this.#sql.change(statements.log, this.#sequences.positions(count), now, count, entries, rareOf(kinds));
    this.#grown = true;
  }
}

/** Entries of the index that one call looks at: about 10 ms. */
const look = 100_000;

export function eventsAfter(sql: Connection, after: number, limit: number, kinds?: readonly EventKind[]): EventsRead {
  const ends = endsOf(sql);
  // The batch that starts at or before `after` may reach beyond it.
  const from = integer(sql.get('SELECT coalesce(max(position), 0) FROM ojs_events WHERE position <= ?', after)?.[0]);
  const { batches, isCut, bound } = read(sql, up, from, { limit, kinds, fits: (batch) => endOf(batch) > after });
  const last = batches.at(-1);
  const end = last ? endOf(last) : after;
  return { batches, ...ends, reached: isCut ? end : bound === null ? ends.newest : Math.max(end, bound) };
}

export function eventsBefore(sql: Connection, before: number, limit: number, kinds?: readonly EventKind[]): EventsRead {
  const ends = endsOf(sql);
  const { batches, isCut, bound } = read(sql, down, before - 1, { limit, kinds, fits: () => true });
  return { batches, ...ends, reached: isCut ? (batches.at(-1)?.position ?? before) : (bound ?? ends.oldest) };
}

function endsOf(sql: Connection): Pick<EventsRead, 'oldest' | 'newest'> {
  const newest = integer(sql.get('SELECT position FROM ojs_store')?.[0]);
  const oldest = sql.get('SELECT position FROM ojs_events ORDER BY position LIMIT 1')?.[0] ?? newest + 1;
  return { oldest: integer(oldest), newest };
}

interface Direction {
  readonly next: string;
  readonly indexed: string;
  /** The last entry of the index that a call looks at. */
  readonly bound: string;
  readonly follow: (batch: EventBatch) => number;
}

const up: Direction = {
  next: `SELECT ${batchColumns} FROM ojs_events WHERE position >= ? ORDER BY position LIMIT 1`,
  indexed: statements.indexedUp,
  bound: statements.indexedUpBound,
  follow: (batch) => endOf(batch) + 1,
};
const down: Direction = {
  next: `SELECT ${batchColumns} FROM ojs_events WHERE position <= ? ORDER BY position DESC LIMIT 1`,
  indexed: statements.indexedDown,
  bound: statements.indexedDownBound,
  follow: ({ position }) => position - 1,
};

interface Wanted {
  readonly limit: number;
  readonly kinds: readonly EventKind[] | undefined;
  readonly fits: (batch: EventBatch) => boolean;
}

/** `bound`: the last position that was looked at, where the index has more behind it. */
function read(
  sql: Connection,
  direction: Direction,
  from: number,
  { limit, kinds, fits }: Wanted,
): { readonly batches: readonly EventBatch[]; readonly isCut: boolean; readonly bound: number | null } {
  const wanted = indexedOnly(kinds);
  const batches: EventBatch[] = [];
  let count = 0;
  for (const batch of wanted === null ? each(sql, direction, from) : indexed(sql, direction, from, limit, wanted)) {
    if (!fits(batch)) continue;
    batches.push(batch);
    count += batch.count;
    if (count >= limit) break;
  }
  const bound = wanted === null ? undefined : sql.get(direction.bound, from, look - 1);
  return { batches, isCut: count >= limit, bound: bound ? integer(bound[0]) : null };
}

function* each(sql: Connection, { next, follow }: Direction, from: number): Generator<EventBatch> {
  for (let at = from; ; ) {
    const cells = sql.get(next, at);
    if (!cells) return;
    const batch = readBatch(cells);
    yield batch;
    at = follow(batch);
  }
}

function* indexed(
  sql: Connection,
  direction: Direction,
  from: number,
  limit: number,
  kinds: readonly EventKind[],
): Generator<EventBatch> {
  // One more: the first may end before the events that are wanted.
  for (const [position] of sql.all(direction.indexed, from, look, kindMask(kinds), limit + 1)) {
    const cells = sql.get(statements.batch, integer(position));
    if (cells) yield readBatch(cells);
  }
}

function endOf({ position, count }: EventBatch): number {
  return position + count - 1;
}
