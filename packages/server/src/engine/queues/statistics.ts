import { addFigures, type Clock, type Histogram, type Millis, type MutableFigures, newFigures } from '@ojs-ts/core';
import type { MinuteRecord, Storage } from '../../storage/storage.ts';

/** Figures of a queue, from the stored minutes; means are null without a measurement. */
export interface QueueStatistics {
  readonly completedLastHour: number;
  readonly failedLastHour: number;
  /** Since midnight, UTC. */
  readonly completedToday: number;
  readonly failedToday: number;
  /** Mean of the last hour's completed executions, in milliseconds. */
  readonly averageDurationMs: number | null;
  /** Mean of the last hour's waits for a start, in milliseconds. */
  readonly averageWaitMs: number | null;
  /** The durations behind both. */
  readonly histogram: Histogram;
  /** Completed a second, over the last full minute and the current one. */
  readonly throughputPerSecond: number;
  /** Failed executions a second, over the same time. */
  readonly failuresPerSecond: number;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** How long after its end a minute may still change: the clocks of nodes differ. */
const openMs = 2 * minute;
const freshMs = 1_000;

interface Today {
  completed: number;
  failed: number;
}

/** The sums by minute of the storage, cached: an answer reads only the last minutes again, at most once a second. */
export class Statistics {
  readonly #storage: Storage;
  readonly #clock: Clock;
  /** Those of the last hour, by queue and then by minute. */
  readonly #minutes = new Map<string, Map<Millis, MutableFigures>>();
  /** Sums of the past minutes of this day. */
  readonly #today = new Map<string, Today>();
  #midnight: Millis = 0;
  /** The first minute that is not in `#today` yet; null before the first read. */
  #open: Millis | null = null;
  #readAt: Millis = 0;
  #reading: Promise<void> | null = null;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** The store was emptied. */
  forget(): void {
    this.#minutes.clear();
    this.#today.clear();
    this.#open = null;
  }

  async of(queue: string): Promise<QueueStatistics> {
    await this.#refresh();
    return this.#sum(queue);
  }

  /** Of the queues that have figures. */
  async all(): Promise<readonly QueueStatistics[]> {
    await this.#refresh();
    return [...new Set([...this.#minutes.keys(), ...this.#today.keys()])].map((queue) => this.#sum(queue));
  }

  async #refresh(): Promise<void> {
    if (this.#open === null || Math.abs(this.#clock.now() - this.#readAt) >= freshMs) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = null;
      });
      await this.#reading;
    }
  }

  async #read(): Promise<void> {
    const now = this.#clock.now();
    const midnight = now - (now % day);
    const open = Math.max(this.#open ?? 0, Math.min(midnight, now - hour));
    const first = open - (open % minute);
    const records = await this.#storage.registry.statistics(first);
    if (midnight !== this.#midnight) this.#today.clear();
    this.#midnight = midnight;
    for (const [queue, minutes] of this.#minutes) {
      for (const at of minutes.keys()) if (at >= first || at <= now - hour - minute) minutes.delete(at);
      if (minutes.size === 0) this.#minutes.delete(queue);
    }
    const over = now - openMs - ((now - openMs) % minute);
    for (const record of records) this.#note(record, now, over);
    this.#open = Math.max(first, over);
    this.#readAt = now;
  }

  #note(record: MinuteRecord, now: Millis, over: Millis): void {
    const { queue, minute: at, completed, failed } = record;
    if (at > now - hour - minute) {
      const minutes = this.#minutes.get(queue) ?? new Map<Millis, MutableFigures>();
      this.#minutes.set(queue, minutes);
      const figures = minutes.get(at) ?? newFigures();
      minutes.set(at, figures);
      addFigures(figures, record);
    }
    if (at < this.#midnight || at >= over) return;
    const today = this.#today.get(queue) ?? { completed: 0, failed: 0 };
    today.completed += completed;
    today.failed += failed;
    this.#today.set(queue, today);
  }

  #sum(queue: string): QueueStatistics {
    const now = this.#clock.now();
    const sums = newFigures();
    const lately = { completed: 0, failed: 0 };
    const today: Today = { ...(this.#today.get(queue) ?? { completed: 0, failed: 0 }) };
    const current = now - (now % minute);
    for (const [at, record] of this.#minutes.get(queue) ?? []) {
      if (at > now - hour - minute) addFigures(sums, record);
      if (at >= current - minute) {
        lately.completed += record.completed;
        lately.failed += record.failed;
      }
      if (at >= Math.max(this.#midnight, this.#open ?? 0)) {
        today.completed += record.completed;
        today.failed += record.failed;
      }
    }
    return {
      completedLastHour: sums.completed,
      failedLastHour: sums.failed,
      completedToday: today.completed,
      failedToday: today.failed,
      averageDurationMs: sums.completed === 0 ? null : sums.durationMs / sums.completed,
      averageWaitMs: sums.started === 0 ? null : sums.waitMs / sums.started,
      histogram: sums.histogram,
      throughputPerSecond: (lately.completed * 1_000) / (now - current + minute),
      failuresPerSecond: (lately.failed * 1_000) / (now - current + minute),
    };
  }
}
