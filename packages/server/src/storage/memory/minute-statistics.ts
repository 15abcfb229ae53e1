import { type Millis, minuteOf, noSums, type Sums } from '@ojs-ts/core';
import type { MinuteRecord } from '../storage.ts';

const names = ['enqueued', 'started', 'completed', 'failed', 'discarded', 'durationMs', 'waitMs'] as const;

/** Statistics by minute and queue. */
export class MinuteStatistics {
  readonly #minutes = new Map<string, MinuteRecord>();

  add(queue: string, more: Partial<Sums>, now: Millis): void {
    if (names.every((name) => more[name] === undefined)) return;
    const minute = minuteOf(now);
    const key = `${minute} ${queue}`;
    const sums = { ...(this.#minutes.get(key) ?? { queue, minute, ...noSums }) };
    for (const name of names) sums[name] += more[name] ?? 0;
    this.#minutes.set(key, sums);
  }

  /** Adds a minute of a dump. */
  load(record: MinuteRecord): void {
    this.#minutes.set(`${record.minute} ${record.queue}`, record);
  }

  since(since: Millis): readonly MinuteRecord[] {
    return this.#sorted().filter(({ minute }) => minute >= since);
  }

  prune(before: Millis, limit: number): number {
    const old = this.#sorted().filter(({ minute }) => minute < before);
    const gone = old.slice(0, limit);
    for (const { minute, queue } of gone) this.#minutes.delete(`${minute} ${queue}`);
    return gone.length;
  }

  #sorted(): MinuteRecord[] {
    return [...this.#minutes.values()].sort((a, b) => a.minute - b.minute || (a.queue < b.queue ? -1 : 1));
  }
}
