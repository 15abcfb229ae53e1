import type { Millis } from '@ojs-ts/core';
import { type Limit, type LimitNumbers, queueLimitKey } from '@ojs-ts/core/job';
import {
  effectiveLimit,
  hasNumbers,
  hasSlot,
  keepMs,
  limitedQueue,
  noNumbers,
  numbersText,
  reopensAt,
  stampOf,
  usedAfterOverride,
} from '@ojs-ts/core/lifecycle';
import { type Cells, integer, text } from '../../cells.ts';
import { limitNumbers, limitNumbersOrNull } from '../../rows.ts';
import type { Connection } from '../disk/connection.ts';
import type { QueueCounters } from '../queue-counters.ts';
import type { Sequences } from '../sequences.ts';
import { at, statements } from '../statements.ts';

/** The limit of one key as a transaction sees it. */
interface Row {
  readonly key: string;
  own: LimitNumbers;
  override: LimitNumbers | null;
  /** The numbers in force. */
  numbers: LimitNumbers;
  active: number;
  waiting: number;
  started: number;
  lastStart: Millis;
  /** Jobs that name the key, finished ones too; `usedAt` is when one last came or started. */
  jobs: number;
  usedAt: Millis;
  /** When the rates let the next job start; null for now, undefined while not cached. */
  reopens: Millis | null | undefined;
  changed: boolean;
}

/** Most starts that one new start deletes; normally one or two are stale. */
const staleAtOnce = 1000;

/** Closed until a slot is freed. */
export const untilFreed = Number.POSITIVE_INFINITY;

/**
 * The limits that a transaction meets: numbers, slots, starts. Each key is read once and written once, however many
 * jobs name the key.
 */
export class Limits {
  readonly #sql: Connection;
  readonly #counters: QueueCounters;
  readonly #sequences: Sequences;
  readonly #rows = new Map<string, Row | null>();
  /** Limits of whole queues, by the queue's name. */
  readonly #queueLimits = new Map<string, Row | null>();
  /** Keys with a freed slot or new numbers: their limit groups may continue. */
  readonly relaxed = new Set<string>();
  /** Keys with rates under which jobs have started: the rates may hold back jobs now, in other queues too. */
  readonly startedUnder = new Set<string>();

  constructor(sql: Connection, counters: QueueCounters, sequences: Sequences) {
    this.#sql = sql;
    this.#counters = counters;
    this.#sequences = sequences;
  }

  /** A new job names the key. Its numbers hold from now on for all jobs under the key. */
  jobAdded({ key, concurrency, rates }: Limit, now: Millis): void {
    const row = this.#of(key);
    row.jobs += 1;
    this.#used(row, now);
    if (hasNumbers({ concurrency, rates })) this.#renumber(row, { ...row, own: { concurrency, rates } });
  }

  override(key: string, override: LimitNumbers | null, now: Millis): void {
    const row = this.#of(key);
    row.usedAt = usedAfterOverride(row, override, now);
    row.changed = true;
    this.#renumber(row, { ...row, override });
  }

  /** {@link closedUntil} of the limit of a whole queue. */
  queueClosedUntil(queue: string, now: Millis): Millis | null {
    const queueLimit = this.#queueLimit(queue);
    return queueLimit ? this.#closed(queueLimit, this.#counters.active(queue), now) : null;
  }

  /** Until when the key lets no job start: a time, {@link untilFreed}, or null for an open key. */
  closedUntil(key: string, now: Millis): Millis | null {
    const queue = limitedQueue(key);
    if (queue !== null) return this.queueClosedUntil(queue, now);
    const row = this.#find(key);
    return row ? this.#closed(row, row.active, now) : null;
  }

  /** When the rates of the key let the next job start; null for now. */
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

  /** A job that names the key starts. */
  started(key: string, now: Millis): void {
    this.#note(this.#find(key), now);
  }

  startedIn(queue: string, now: Millis): void {
    this.#note(this.#queueLimit(queue), now);
  }

  #note(row: Row | null, now: Millis): void {
    const keep = row ? keepMs(row) : 0;
    if (!row || keep === 0) return;
    const { key } = row;
    row.lastStart = stampOf(row.started === 0 ? undefined : row.lastStart, now);
    this.#sequences.noteStart(row.lastStart);
    row.started += 1;
    row.reopens = undefined;
    row.changed = true;
    this.#sql.change(statements.start, key, row.started, row.lastStart);
    this.#forgetStarts(key, row.lastStart - keep);
    this.startedUnder.add(key);
  }

  takeSlot(key: string, now: Millis): void {
    const row = this.#of(key);
    row.active += 1;
    this.#used(row, now);
  }

  /** A dump has a job that names the keys. */
  jobRestored(keys: readonly string[]): void {
    for (const key of keys) {
      const row = this.#of(key);
      row.jobs += 1;
      row.changed = true;
    }
  }

  /** A job that names the keys was removed. */
  jobRemoved(keys: readonly string[]): void {
    for (const key of keys) {
      const row = this.#find(key);
      if (!row) continue;
      row.jobs -= 1;
      row.changed = true;
    }
  }

  /**
   * Removes up to `limit` keys that no job names, no operator overrides, and no job has used since `before`; answers
   * how many.
   */
  prune(before: Millis, limit: number): number {
    this.flush();
    const idle = this.#sql.values(statements.idleLimits, before, limit);
    for (const key of idle) this.remove(text(key));
    return idle.length;
  }

  remove(key: string): void {
    this.#sql.change(statements.removeLimit, key);
    this.#sql.change(statements.forgetStarts, key, Number.MAX_SAFE_INTEGER);
    this.#sql.change(statements.deleteRateTimersOf, key);
  }

  freeSlot(key: string): void {
    const row = this.#of(key);
    row.active -= 1;
    row.changed = true;
    this.#relax(row, row.active);
  }

  /** An active job has ended; the queue may be limited as a whole. */
  freeQueueSlot(queue: string): void {
    const row = this.#queueLimit(queue);
    if (row) this.#relax(row, this.#counters.active(queue));
  }

  addWaiting(key: string, by: 1 | -1): void {
    const row = this.#of(key);
    row.waiting += by;
    row.changed = true;
  }

  forget(): void {
    this.#rows.clear();
    this.#queueLimits.clear();
    this.relaxed.clear();
    this.startedUnder.clear();
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
    this.#queueLimits.clear();
  }

  #used(row: Row, now: Millis): void {
    row.usedAt = Math.max(row.usedAt, now);
    row.changed = true;
  }

  #relax({ key, numbers }: Row, active: number): void {
    if (hasSlot(numbers, active) && !hasSlot(numbers, active + 1)) this.relaxed.add(key);
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
    this.#sql.change(statements.deleteRateTimersOf, row.key);
    this.relaxed.add(row.key);
  }

  #start({ key, started }: Row, number: number): Millis | undefined {
    if (number < 1 || number > started) return undefined;
    const at = this.#sql.value(statements.startNumber, key, number);
    return at === undefined ? undefined : integer(at);
  }

  #forgetStarts(key: string, until: Millis): void {
    let last = 0;
    // Most often none or one is stale.
    for (const size of [2, staleAtOnce]) {
      const oldest = this.#sql.all(statements.oldestStarts, key, size);
      const stale = oldest.filter(({ at }) => at <= until);
      last = stale.at(-1)?.number ?? last;
      if (stale.length < size) break;
    }
    if (last > 0) this.#sql.change(statements.forgetStarts, key, last);
  }

  #queueLimit(queue: string): Row | null {
    let row = this.#queueLimits.get(queue);
    if (row === undefined) {
      const key = queueLimitKey(queue);
      row = this.#rows.get(key) ?? (this.#counters.find(queue)?.hasQueueLimit === false ? null : this.#find(key));
      this.#queueLimits.set(queue, row);
    }
    return row;
  }

  #of(key: string): Row {
    const cached = this.#find(key);
    if (cached) return cached;
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
    this.#queueLimits.clear();
    return row;
  }

  #find(key: string): Row | null {
    let row = this.#rows.get(key);
    if (row === undefined) {
      const cells = this.#sql.cells(statements.limit, key);
      row = cells ? readRow(cells) : null;
      this.#rows.set(key, row);
    }
    return row;
  }
}

function readRow(cells: Cells): Row {
  const own = limitNumbers(cells[at.limit.own]);
  const override = limitNumbersOrNull(cells[at.limit.override]);
  return {
    key: text(cells[at.limit.key]),
    own,
    override,
    numbers: effectiveLimit({ own, override }),
    active: integer(cells[at.limit.active]),
    waiting: integer(cells[at.limit.waiting]),
    started: integer(cells[at.limit.started]),
    lastStart: integer(cells[at.limit.last_start]),
    jobs: integer(cells[at.limit.jobs]),
    usedAt: integer(cells[at.limit.used_at]),
    reopens: undefined,
    changed: false,
  };
}
