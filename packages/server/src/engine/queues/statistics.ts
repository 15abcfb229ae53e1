import {
  addFigures,
  type Clock,
  type Histogram,
  type Millis,
  type MutableFigures,
  minuteOf,
  newFigures,
} from '@ojs-ts/core';
import type { MinuteRecord, Storage } from '../../storage/storage.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { minuteParts } from './minute-parts.ts';

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
/** Queues whose sums are cached: at most 100 KB each. */
const mostCached = 200;

/** The sums by minute of the storage, cached: an answer reads only the last minutes again, at most once a second. */
export class Statistics {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #queues = new Map<string, Sums>();
  #all = new Sums();
  /** A read starts where the last one has ended. */
  readonly #reads = new KeyedMutex();

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** The store was emptied. */
  forget(): void {
    this.#queues.clear();
    this.#all = new Sums();
  }

  async of(queue: string): Promise<QueueStatistics> {
    return (await this.each([queue])).get(queue) ?? new Sums().read(this.#clock.now());
  }

  /** By name. Reads no other queues: a store may have many. */
  each(names: readonly string[]): Promise<ReadonlyMap<string, QueueStatistics>> {
    return this.#reads.run('queues', async () => {
      const now = this.#clock.now();
      const each = new Map(names.map((name) => [name, this.#queues.get(name) ?? new Sums()]));
      const old = new Map([...each].filter(([, sums]) => sums.isOld(now)));
      if (old.size > 0) {
        const first = Math.min(...[...old.values()].map((sums) => sums.first(midnight(now), now)));
        const records = await this.#storage.registry.statistics(first, undefined, [...old.keys()]);
        for (const sums of old.values()) sums.begin(midnight(now), now);
        for (const record of records) old.get(record.queue)?.add(record, now);
        for (const sums of old.values()) sums.end(now);
      }
      for (const [name, sums] of each) {
        this.#queues.delete(name);
        this.#queues.set(name, sums);
      }
      for (const name of [...this.#queues.keys()].slice(0, -mostCached)) this.#queues.delete(name);
      return new Map([...each].map(([name, sums]) => [name, sums.read(now)]));
    });
  }

  /** Statistics of all queues together. */
  all(): Promise<Omit<QueueStatistics, 'completedToday' | 'failedToday'>> {
    return this.#reads.run('all', async () => {
      const now = this.#clock.now();
      const sums = this.#all;
      if (!sums.isOld(now)) return sums.read(now);
      // The clock of another server may be ahead.
      for await (const part of minuteParts(this.#storage, sums.begin(now, now), now + hour))
        for (const record of part) sums.add(record, now);
      sums.end(now);
      return sums.read(now);
    });
  }
}

/** Sums of a queue, or of all of them. */
class Sums {
  /** The minutes of the last hour. */
  readonly #minutes = new Map<Millis, MutableFigures>();
  /** Sums of the past minutes of this day. */
  #today = { completed: 0, failed: 0 };
  #midnight: Millis = 0;
  /** The first minute that is not in `#today` yet; null before the first read. */
  #open: Millis | null = null;
  #first: Millis = 0;
  #readAt: Millis = 0;

  isOld(now: Millis): boolean {
    return this.#open === null || Math.abs(now - this.#readAt) >= freshMs;
  }

  /** The start of the next read, which also includes everything since a time. */
  first(since: Millis, now: Millis): Millis {
    return minuteOf(Math.max(this.#open ?? 0, Math.min(since, now - hour)));
  }

  /** Forgets what the read will bring again; answers its start. */
  begin(since: Millis, now: Millis): Millis {
    this.#first = this.first(since, now);
    if (midnight(now) !== this.#midnight) this.#today = { completed: 0, failed: 0 };
    this.#midnight = midnight(now);
    for (const at of this.#minutes.keys()) if (at >= this.#first || at <= now - hour - minute) this.#minutes.delete(at);
    return this.#first;
  }

  add(record: MinuteRecord, now: Millis): void {
    const { minute: at, completed, failed } = record;
    if (at < this.#first) return;
    if (at > now - hour - minute) {
      const figures = this.#minutes.get(at) ?? newFigures();
      this.#minutes.set(at, figures);
      addFigures(figures, record);
    }
    if (at < this.#midnight || at >= minuteOf(now - openMs)) return;
    this.#today.completed += completed;
    this.#today.failed += failed;
  }

  end(now: Millis): void {
    this.#open = Math.max(this.#first, minuteOf(now - openMs));
    this.#readAt = now;
  }

  read(now: Millis): QueueStatistics {
    const sums = newFigures();
    const lately = { completed: 0, failed: 0 };
    const today = { ...this.#today };
    const current = minuteOf(now);
    for (const [at, record] of this.#minutes) {
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

function midnight(now: Millis): Millis {
  return now - (now % day);
}
