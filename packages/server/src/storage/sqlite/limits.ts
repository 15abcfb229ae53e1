import {
  effectiveLimit,
  hasNumbers,
  hasSlot,
  keepMs,
  type Limit,
  type LimitNumbers,
  limitedQueue,
  type Millis,
  noNumbers,
  numbersText,
  parseNumbers,
  queueLimitKey,
  reopensAt,
  stampOf,
} from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import type { Counts } from './counts.ts';
import type { Numbers } from './numbers.ts';
import { type Cells, integer, text, textOrNull } from './row.ts';
import { statements } from './statements.ts';

/** One key as a transaction sees it. */
interface Row {
  readonly key: string;
  own: LimitNumbers;
  override: LimitNumbers | null;
  /** In force. */
  numbers: LimitNumbers;
  active: number;
  waiting: number;
  started: number;
  lastStart: Millis;
  /** Jobs that name it, finished ones too, and when one last came or started. */
  jobs: number;
  usedAt: Millis;
  /** When the rates let the next start pass; undefined while not known. */
  reopens: Millis | null | undefined;
  changed: boolean;
}

/** Stale starts that go when another is noted; normally one or two. */
const staleAtOnce = 1000;

/** Until a slot is freed. */
export const untilFreed = Number.POSITIVE_INFINITY;

/** The limits that a transaction meets: numbers, slots, starts. Each key is read once and written once, however many jobs name it. */
export class Limits {
  readonly #sql: Connection;
  readonly #counts: Counts;
  readonly #numbers: Numbers;
  readonly #rows = new Map<string, Row | null>();
  /** Those of whole queues, by the queue's name. */
  readonly #gates = new Map<string, Row | null>();
  /** Keys of which slots were freed or numbers changed: lanes in front of them may go on. */
  readonly eased = new Set<string>();
  /** Keys with rates under which jobs have started: those may hold others back now, in other queues too. */
  readonly ticked = new Set<string>();

  constructor(sql: Connection, counts: Counts, numbers: Numbers) {
    this.#sql = sql;
    this.#counts = counts;
    this.#numbers = numbers;
  }

  /** The numbers that a job brings hold from now on for all under the key. */
  offer({ key, concurrency, rates }: Limit, now: Millis): void {
    const row = this.#of(key);
    row.jobs += 1;
    this.#used(row, now);
    if (hasNumbers({ concurrency, rates })) this.#renumber(row, { ...row, own: { concurrency, rates } });
  }

  override(key: string, override: LimitNumbers | null, now: Millis): void {
    const row = this.#of(key);
    this.#used(row, now);
    this.#renumber(row, { ...row, override });
  }

  /** The same of a whole queue. */
  queueClosedUntil(queue: string, now: Millis): Millis | null {
    const gate = this.#gate(queue);
    return gate ? this.#closed(gate, this.#counts.active(queue), now) : null;
  }

  /** Until when the key lets no job start: a time, {@link untilFreed}, or null where it is open. */
  closedUntil(key: string, now: Millis): Millis | null {
    const queue = limitedQueue(key);
    if (queue !== null) return this.queueClosedUntil(queue, now);
    const row = this.#find(key);
    return row ? this.#closed(row, row.active, now) : null;
  }

  /** When the rates of the key let the next start pass; null where they hold nothing back. */
  reopensAt(key: string, now: Millis): Millis | null {
    const row = this.#find(key);
    return row ? this.#reopens(row, now) : null;
  }

  #closed(row: Row, active: number, now: Millis): Millis | null {
    return hasSlot(row.numbers, active) ? this.#reopens(row, now) : untilFreed;
  }

  #reopens(row: Row, now: Millis): Millis | null {
    if (row.numbers.rates.length === 0) return null;
    if (row.reopens === undefined || (row.reopens !== null && row.reopens <= now)) {
      row.reopens = reopensAt(row.numbers, (n) => this.#start(row, row.started - n + 1), now);
    }
    return row.reopens;
  }

  hasRates(key: string): boolean {
    return (this.#find(key)?.numbers.rates.length ?? 0) > 0;
  }

  waiting(key: string): number {
    return this.#find(key)?.waiting ?? 0;
  }

  /** A job that has the key starts. */
  started(key: string, now: Millis): void {
    this.#note(this.#find(key), now);
  }

  startedIn(queue: string, now: Millis): void {
    this.#note(this.#gate(queue), now);
  }

  #note(row: Row | null, now: Millis): void {
    const keep = row ? keepMs(row) : 0;
    if (!row || keep === 0) return;
    const { key } = row;
    row.lastStart = stampOf(row.started === 0 ? undefined : row.lastStart, now);
    this.#numbers.noteStart(row.lastStart);
    row.started += 1;
    row.reopens = undefined;
    row.changed = true;
    this.#sql.change(statements.start, key, row.started, row.lastStart);
    this.#forgetStarts(key, row.lastStart - keep);
    this.ticked.add(key);
  }

  occupy(key: string, now: Millis): void {
    const row = this.#of(key);
    row.active += 1;
    this.#used(row, now);
  }

  /** A job that names the keys is put back. */
  named(keys: readonly string[]): void {
    for (const key of keys) {
      const row = this.#of(key);
      row.jobs += 1;
      row.changed = true;
    }
  }

  /** A job that names the keys is gone. */
  lost(keys: readonly string[]): void {
    for (const key of keys) {
      const row = this.#find(key);
      if (!row) continue;
      row.jobs -= 1;
      row.changed = true;
    }
  }

  /** Removes up to `limit` keys that no job names and no operator overrides, and that were last used before; answers how many. */
  prune(before: Millis, limit: number): number {
    this.flush();
    const idle = this.#sql.all(statements.idleLimits, before, limit);
    for (const [key] of idle) this.remove(text(key));
    return idle.length;
  }

  remove(key: string): void {
    this.#sql.change(statements.removeLimit, key);
    this.#sql.change(statements.forgetStarts, key, Number.MAX_SAFE_INTEGER);
    this.#sql.change(statements.removeAlarms, key);
  }

  free(key: string): void {
    const row = this.#of(key);
    row.active -= 1;
    row.changed = true;
    this.#eased(row, row.active);
  }

  /** An active job of a queue has ended that may be limited as a whole. */
  freeQueue(queue: string): void {
    const row = this.#gate(queue);
    if (row) this.#eased(row, this.#counts.active(queue));
  }

  wait(key: string, by: 1 | -1): void {
    const row = this.#of(key);
    row.waiting += by;
    row.changed = true;
  }

  forget(): void {
    this.#rows.clear();
    this.#gates.clear();
    this.eased.clear();
    this.ticked.clear();
  }

  flush(): void {
    for (const row of this.#rows.values()) {
      if (!row?.changed) continue;
      const override = row.override === null ? null : numbersText(row.override);
      const { key, own, active, waiting, started, lastStart, jobs, usedAt } = row;
      this.#sql.change(
        statements.writeLimit,
        key,
        numbersText(own),
        override,
        active,
        waiting,
        started,
        lastStart,
        jobs,
        usedAt,
      );
      row.changed = false;
    }
    this.#rows.clear();
    this.#gates.clear();
  }

  #used(row: Row, now: Millis): void {
    row.usedAt = Math.max(row.usedAt, now);
    row.changed = true;
  }

  #eased({ key, numbers }: Row, active: number): void {
    if (hasSlot(numbers, active) && !hasSlot(numbers, active + 1)) this.eased.add(key);
  }

  #renumber(row: Row, { own, override }: Pick<Row, 'own' | 'override'>): void {
    const before = numbersText(row.numbers);
    if (numbersText(own) === numbersText(row.own) && override === row.override) return;
    row.own = own;
    row.override = override;
    row.numbers = effectiveLimit(row);
    row.changed = true;
    if (numbersText(row.numbers) === before) return;
    row.reopens = undefined;
    this.#sql.change(statements.removeAlarms, row.key);
    this.eased.add(row.key);
  }

  #start({ key, started }: Row, number: number): Millis | undefined {
    if (number < 1 || number > started) return undefined;
    const cells = this.#sql.get(statements.startNumber, key, number);
    return cells && integer(cells[0]);
  }

  #forgetStarts(key: string, until: Millis): void {
    let last = 0;
    // Most often the first is to be kept, or goes alone.
    for (const size of [2, staleAtOnce]) {
      const oldest = this.#sql.all(statements.oldestStarts, key, size);
      const stale = oldest.filter(([, at]) => integer(at) <= until);
      last = integer(stale.at(-1)?.[0] ?? last);
      if (stale.length < size) break;
    }
    if (last > 0) this.#sql.change(statements.forgetStarts, key, last);
  }

  #gate(queue: string): Row | null {
    let row = this.#gates.get(queue);
    if (row === undefined) {
      const key = queueLimitKey(queue);
      row = this.#rows.get(key) ?? (this.#counts.find(queue)?.hasGate === false ? null : this.#find(key));
      this.#gates.set(queue, row);
    }
    return row;
  }

  #of(key: string): Row {
    const known = this.#find(key);
    if (known) return known;
    const row: Row = {
      key,
      own: noNumbers,
      override: null,
      numbers: noNumbers,
      active: 0,
      waiting: 0,
      started: 0,
      lastStart: 0,
      jobs: 0,
      usedAt: 0,
      reopens: undefined,
      changed: true,
    };
    this.#rows.set(key, row);
    this.#gates.clear();
    return row;
  }

  #find(key: string): Row | null {
    let row = this.#rows.get(key);
    if (row === undefined) {
      const cells = this.#sql.get(statements.limit, key);
      row = cells ? readRow(cells) : null;
      this.#rows.set(key, row);
    }
    return row;
  }
}

function readRow(cells: Cells): Row {
  const own = parseNumbers(text(cells[1]));
  const overriding = textOrNull(cells[2]);
  const override = overriding === null ? null : parseNumbers(overriding);
  return {
    key: text(cells[0]),
    own,
    override,
    numbers: effectiveLimit({ own, override }),
    active: integer(cells[3]),
    waiting: integer(cells[4]),
    started: integer(cells[5]),
    lastStart: integer(cells[6]),
    jobs: integer(cells[7]),
    usedAt: integer(cells[8]),
    reopens: undefined,
    changed: false,
  };
}
