import type { Millis } from '@ojs-ts/core';
import { type LimitNumbers, queueLimitKey } from '@ojs-ts/core/job';
import {
  effectiveLimit,
  hasSlot,
  keepMs,
  limitedQueue,
  numbersText,
  reopensAt,
  stampOf,
  usedAfterOverride,
} from '@ojs-ts/core/lifecycle';
import { integer, text } from '../../cells.ts';
import { indexJoin, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { type LimitDelta, takeKeyDeltas, takeOldestKeyDeltas } from './delta-pages.ts';
import { freshRow, type Row, readRows, writeRows } from './limit-row.ts';

export interface Closed {
  readonly key: string;
  readonly until: Millis;
}

/** Closed until a slot is freed; fits into a bigint. */
export const untilFreed = Number.MAX_SAFE_INTEGER;

const activeInQueues = 'SELECT queue, sum(active)::int FROM ojs.counts WHERE queue = ANY ($1::text[]) GROUP BY queue';
const readStarts = `SELECT start.key, start.number, start.at
  FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS wanted (key, first, last)
  JOIN ojs.starts AS start ON ${indexJoin('start.key', 'wanted.key')}
  AND start.number BETWEEN wanted.first AND wanted.last`;
const insertStarts =
  'INSERT INTO ojs.starts (key, number, at) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])';
const deleteStale = `DELETE FROM ojs.starts WHERE ctid = ANY (ARRAY (
    SELECT first.ctid FROM unnest($1::text[], $2::bigint[]) AS old (key, until), LATERAL (
      SELECT ctid, at FROM ojs.starts WHERE key = old.key ORDER BY number LIMIT $3) AS first
    WHERE first.at <= old.until))`;
const updateLastStart = 'UPDATE ojs.store SET last_start = greatest(last_start, $1)';

/** Stale starts that one transaction deletes when it notes others. */
const mostStale = 1000;

/** Limits under their lock: numbers, slots and starts. Each key is read and written once, however many jobs name it. */
export class Limits {
  readonly #tx: Transaction;
  readonly #rows = new Map<string, Row>();
  readonly #read = new Set<string>();
  /** While deltas are left: the keys whose deltas are all merged. Null while none are left. */
  #merged: Set<string> | null = null;
  /** Active jobs of queues that are limited as a whole. */
  readonly #active = new Map<string, number>();
  readonly #noted: { readonly key: string; readonly number: number; readonly at: Millis }[] = [];
  /** Keys with a freed slot or new numbers: jobs that wait under them may start. */
  readonly eased = new Set<string>();
  #lastStart = 0;

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /** Reads keys that are not known yet, and merges the rest of their deltas. */
  async load(keys: Iterable<string>): Promise<void> {
    const wanted = [...keys];
    await this.#readRows(wanted);
    const left = [...new Set(wanted)].filter((key) => this.#merged?.has(key) === false);
    if (left.length === 0) return;
    for (const key of left) this.#merged?.add(key);
    for (const delta of await takeKeyDeltas(this.#tx, left)) this.#merge(delta);
  }

  async #readRows(keys: readonly string[]): Promise<void> {
    const missing = [...new Set(keys)].filter((key) => !this.#read.has(key));
    if (missing.length === 0) return;
    for (const key of missing) this.#read.add(key);
    for (const row of await readRows(this.#tx, missing)) this.#rows.set(row.key, row);
  }

  async loadQueues(queues: readonly string[]): Promise<void> {
    await this.load(queues.map(queueLimitKey));
    const limited = queues.filter((queue) => this.#rows.has(queueLimitKey(queue)) && !this.#active.has(queue));
    if (limited.length === 0) return;
    this.#tx.flush();
    for (const queue of limited) this.#active.set(queue, 0);
    for (const [queue, active] of await this.#tx.query(activeInQueues, [texts(limited)]))
      this.#active.set(text(queue), integer(active));
  }

  /** Reads the starts that decide about the next `ahead` ones. */
  async loadStarts(keys: Iterable<string>, ahead: number): Promise<void> {
    const wanted: { readonly key: string; readonly first: number; readonly last: number }[] = [];
    for (const key of new Set(keys)) {
      const row = this.#rows.get(key);
      if (!row) continue;
      row.starts ??= new Map();
      for (const { count } of effectiveLimit(row).rates) {
        const first = row.started - count + 2;
        if (first + ahead >= 1) wanted.push({ key, first, last: Math.min(row.started, first + ahead) });
      }
    }
    if (wanted.length === 0) return;
    const rows = await this.#tx.query(readStarts, [
      texts(wanted.map(({ key }) => key)),
      numbers(wanted.map(({ first }) => first)),
      numbers(wanted.map(({ last }) => last)),
    ]);
    for (const [key, number, at] of rows) this.#rows.get(text(key))?.starts?.set(integer(number), integer(at));
  }

  /** Merges a page of deltas, the oldest first; true if some are left. */
  async merge(): Promise<boolean> {
    const { deltas, more } = await takeOldestKeyDeltas(this.#tx);
    await this.#readRows(deltas.map(({ key }) => key));
    for (const delta of deltas) this.#merge(delta);
    if (more) this.#merged ??= new Set();
    else this.#merged = null;
    return more;
  }

  #merge({ key, waiting, active, jobs, own, usedAt, rows }: LimitDelta): void {
    this.#tx.taken += rows;
    const row = this.#of(key);
    const closed = !hasSlot(effectiveLimit(row), row.active);
    row.waiting += waiting;
    row.active += active;
    row.jobs += jobs;
    row.usedAt = Math.max(row.usedAt, usedAt);
    row.changed = true;
    if (own !== null) this.#renumber(row, own, row.override);
    if (closed && hasSlot(effectiveLimit(row), row.active)) this.eased.add(key);
  }

  override(key: string, override: LimitNumbers | null, now: Millis): void {
    const row = this.#of(key);
    row.usedAt = usedAfterOverride(row, override, now);
    row.changed = true;
    this.#renumber(row, row.own, override);
  }

  /** Until when the key allows no start: a time, {@link untilFreed}, or null if it is open. */
  closedUntil(key: string, now: Millis): Millis | null {
    const row = this.#rows.get(key);
    if (!row) return null;
    const queue = limitedQueue(key);
    const active = queue === null ? row.active : (this.#active.get(queue) ?? 0);
    if (!hasSlot(effectiveLimit(row), active)) return untilFreed;
    return row.reopensAt > now ? row.reopensAt : null;
  }

  /** If several keys are closed, returns the one that is closed longest. */
  closing(keys: readonly string[], now: Millis): Closed | null {
    let found: Closed | null = null;
    for (const key of keys) {
      const until = this.closedUntil(key, now);
      if (until !== null && until > (found?.until ?? now)) found = { key, until };
    }
    return found;
  }

  /** When the rates of the key allow the next start; null if they hold nothing back. */
  reopensAt(key: string, now: Millis): Millis | null {
    const at = this.#rows.get(key)?.reopensAt ?? 0;
    return at > now ? at : null;
  }

  waiting(key: string): number {
    return this.#rows.get(key)?.waiting ?? 0;
  }

  /** Counts the start of a job of the queue under these keys, for which {@link loadStarts} was called. */
  started(queue: string, keys: readonly string[], now: Millis): void {
    const active = this.#active.get(queue);
    if (active !== undefined) this.#active.set(queue, active + 1);
    const whole = this.#rows.get(queueLimitKey(queue));
    if (whole) this.#note(whole, now);
    for (const key of keys) {
      const row = this.#of(key);
      row.active += 1;
      row.waiting -= 1;
      row.usedAt = Math.max(row.usedAt, now);
      row.changed = true;
      this.#note(row, now);
    }
  }

  /** Sends the changed rows and the noted starts. */
  flush(): void {
    writeRows(this.#tx, [...this.#rows.values()]);
    this.#flushStarts();
  }

  #flushStarts(): void {
    if (this.#noted.length === 0) return;
    const noted = this.#noted.splice(0);
    this.#tx.write(insertStarts, [
      texts(noted.map(({ key }) => key)),
      numbers(noted.map(({ number }) => number)),
      numbers(noted.map(({ at }) => at)),
    ]);
    const rows = [...new Set(noted.map(({ key }) => key))].flatMap((key) => this.#rows.get(key) ?? []);
    this.#tx.write(deleteStale, [
      texts(rows.map(({ key }) => key)),
      numbers(rows.map((row) => row.lastStart - keepMs(row))),
      mostStale,
    ]);
    this.#tx.write(updateLastStart, [this.#lastStart]);
  }

  #note(row: Row, now: Millis): void {
    if (keepMs(row) === 0) return;
    const at = stampOf(row.started === 0 ? undefined : row.lastStart, now);
    row.lastStart = at;
    row.started += 1;
    row.starts?.set(row.started, at);
    row.reopensAt = this.#reopens(row);
    row.changed = true;
    this.#noted.push({ key: row.key, number: row.started, at });
    this.#lastStart = Math.max(this.#lastStart, at);
  }

  #reopens({ starts, started, ...row }: Row): Millis {
    const kept = row.lastStart - keepMs(row);
    const nth = (n: number) => {
      const at = starts?.get(started - n + 1);
      // A stale start may not be deleted yet.
      return at !== undefined && at > kept ? at : undefined;
    };
    return reopensAt(effectiveLimit(row), nth, 0) ?? 0;
  }

  #renumber(row: Row, own: LimitNumbers, override: LimitNumbers | null): void {
    const before = numbersText(effectiveLimit(row));
    row.own = own;
    row.override = override;
    if (numbersText(effectiveLimit(row)) !== before) this.eased.add(row.key);
  }

  /** Computes again when the rates of these keys reopen, after numbers have changed. */
  async recount(keys: readonly string[]): Promise<void> {
    const wanted = keys.flatMap((key) => {
      const row = this.#rows.get(key);
      return row ? effectiveLimit(row).rates.map(({ count }) => ({ key, number: row.started - count + 1 })) : [];
    });
    if (wanted.length > 0) {
      for (const { key } of wanted) {
        const row = this.#rows.get(key);
        if (row) row.starts ??= new Map();
      }
      const found = numbers(wanted.map(({ number }) => number));
      const rows = await this.#tx.query(readStarts, [texts(wanted.map(({ key }) => key)), found, found]);
      for (const [key, number, at] of rows) this.#rows.get(text(key))?.starts?.set(integer(number), integer(at));
    }
    for (const key of keys) {
      const row = this.#rows.get(key);
      if (!row) continue;
      row.reopensAt = this.#reopens(row);
      row.changed = true;
    }
  }

  #of(key: string): Row {
    let row = this.#rows.get(key);
    if (!row) {
      row = freshRow(key);
      this.#rows.set(key, row);
    }
    return row;
  }
}
