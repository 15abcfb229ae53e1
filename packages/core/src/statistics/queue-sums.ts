import type { Millis } from '../time/clock.ts';
import type { Histogram } from './histogram.ts';
import { addFigures, type MinuteRecord, type MutableFigures, minuteOf, newFigures } from './statistics.ts';

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

/** Sums of a queue, or of all of them. */
export class QueueSums {
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

/** The start of the day, UTC. */
export function midnight(now: Millis): Millis {
  return now - (now % day);
}
