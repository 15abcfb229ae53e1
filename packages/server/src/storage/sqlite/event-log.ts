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
import { integer, integerOrNull } from '../cells.ts';
import type { Select } from '../columns.ts';
import { batchColumns, rareOf } from '../rows.ts';
import type { EventsRead } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { Sequences } from './sequences.ts';
import { statements } from './statements.ts';

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
  const from = integer(sql.value('SELECT coalesce(max(position), 0) FROM ojs_events WHERE position <= ?', after));
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
  const newest = integer(sql.value('SELECT position FROM ojs_store'));
  const oldest = sql.value('SELECT position FROM ojs_events ORDER BY position LIMIT 1') ?? newest + 1;
  return { oldest: integer(oldest), newest };
}

interface Direction {
  readonly next: Select<EventBatch>;
  readonly indexed: string;
  /** The last entry of the index that a call looks at. */
  readonly bound: string;
  readonly follow: (batch: EventBatch) => number;
}

const up: Direction = {
  next: batchColumns.from('ojs_events WHERE position >= ? ORDER BY position LIMIT 1'),
  indexed: statements.indexedUp,
  bound: statements.indexedUpBound,
  follow: (batch) => endOf(batch) + 1,
};
const down: Direction = {
  next: batchColumns.from('ojs_events WHERE position <= ? ORDER BY position DESC LIMIT 1'),
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
  const bound = wanted === null ? undefined : sql.value(direction.bound, from, look - 1);
  return { batches, isCut: count >= limit, bound: integerOrNull(bound ?? null) };
}

function* each(sql: Connection, { next, follow }: Direction, from: number): Generator<EventBatch> {
  for (let at = from; ; ) {
    const batch = sql.get(next, at);
    if (!batch) return;
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
  for (const position of sql.values(direction.indexed, from, look, kindMask(kinds), limit + 1)) {
    const batch = sql.get(statements.batch, integer(position));
    if (batch) yield batch;
  }
}

function endOf({ position, count }: EventBatch): number {
  return position + count - 1;
}
