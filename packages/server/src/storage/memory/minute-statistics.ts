import {
  type Addition,
  addChange,
  addFigures,
  type Figures,
  type JobRecord,
  type Millis,
  type MutableFigures,
  minuteOf,
  newFigures,
  nothingAdded,
} from '@ojs-ts/core';
import { compareMinutes } from '../registry.ts';
import type { MinuteRecord } from '../storage.ts';

interface Minute {
  readonly minute: Millis;
  readonly queue: string;
  readonly type: string;
  readonly figures: MutableFigures;
}

/** Statistics by minute, queue and type. */
export class MinuteStatistics {
  readonly #minutes = new Map<Millis, Map<string, Minute>>();
  /** Of the change before: most often that of the next one, too. */
  #last: Minute | undefined;

  add({ queue, type }: Pick<JobRecord, 'queue' | 'type'>, more: Addition, now: Millis): void {
    if (more !== nothingAdded) addChange(this.#of(minuteOf(now), queue, type), more);
  }

  /** Adds a minute of a dump. */
  load({ minute, queue, type, ...figures }: MinuteRecord): void {
    addFigures(this.#of(minute, queue, type), figures);
  }

  since(since: Millis, until: Millis = Number.POSITIVE_INFINITY): readonly MinuteRecord[] {
    return [...this.#minutes]
      .filter(([minute]) => minute >= since && minute < until)
      .flatMap(([, pairs]) => [...pairs.values()].map(recordOf))
      .sort(compareMinutes);
  }

  prune(before: Millis, limit: number): number {
    const gone = this.since(Number.NEGATIVE_INFINITY, before).slice(0, limit);
    for (const { minute, queue, type } of gone) {
      const pairs = this.#minutes.get(minute);
      pairs?.delete(keyOf(queue, type));
      if (pairs?.size === 0) this.#minutes.delete(minute);
    }
    this.#last = undefined;
    return gone.length;
  }

  #of(minute: Millis, queue: string, type: string): MutableFigures {
    if (this.#last?.type !== type || this.#last.queue !== queue || this.#last.minute !== minute) {
      const key = keyOf(queue, type);
      const pairs = this.#minutes.get(minute) ?? new Map<string, Minute>();
      this.#last = pairs.get(key) ?? { minute, queue, type, figures: newFigures() };
      this.#minutes.set(minute, pairs.set(key, this.#last));
    }
    return this.#last.figures;
  }
}

function keyOf(queue: string, type: string): string {
  return `${queue} ${type}`;
}

function recordOf({ minute, queue, type, figures }: Minute): MinuteRecord {
  return { minute, queue, type, ...copyOf(figures) };
}

function copyOf(figures: Figures): Figures {
  return { ...figures, histogram: { ...figures.histogram } };
}
