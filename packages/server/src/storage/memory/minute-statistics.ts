import { type Millis, minuteOf, noSums, type Sums } from '@ojs-ts/core';
import type { MinuteRecord } from '../storage.ts';

const names = ['enqueued', 'started', 'completed', 'failed', 'discarded', 'durationMs', 'waitMs'] as const;

type Minute = { -readonly [Name in keyof MinuteRecord]: MinuteRecord[Name] };

/** Statistics by minute and queue. */
export class MinuteStatistics {
  readonly #minutes = new Map<string, Minute>();
  /** Of the change before: most often that of the next one, too. */
  #last: Minute | undefined;

  add(queue: string, more: Partial<Sums>, now: Millis): void {
    if (names.every((name) => more[name] === undefined)) return;
    const minute = minuteOf(now);
    if (this.#last?.queue !== queue || this.#last.minute !== minute) {
      const key = `${minute} ${queue}`;
      this.#last = this.#minutes.get(key) ?? { queue, minute, ...noSums };
      this.#minutes.set(key, this.#last);
    }
    for (const name of names) this.#last[name] += more[name] ?? 0;
  }

  /** Adds a minute of a dump. */
  load(record: MinuteRecord): void {
    this.#minutes.set(`${record.minute} ${record.queue}`, { ...record });
    this.#last = undefined;
  }

  since(since: Millis, until: Millis = Number.POSITIVE_INFINITY): readonly MinuteRecord[] {
    return this.#sorted().flatMap((sums) => (sums.minute >= since && sums.minute < until ? [{ ...sums }] : []));
  }

  prune(before: Millis, limit: number): number {
    const old = this.#sorted().filter(({ minute }) => minute < before);
    const gone = old.slice(0, limit);
    for (const { minute, queue } of gone) this.#minutes.delete(`${minute} ${queue}`);
    this.#last = undefined;
    return gone.length;
  }

  #sorted(): Minute[] {
    return [...this.#minutes.values()].sort((a, b) => a.minute - b.minute || (a.queue < b.queue ? -1 : 1));
  }
}
