import type { Millis } from '@ojs-ts/core';
import type { JobRecord } from '@ojs-ts/core/job';
import {
  type Addition,
  addChange,
  addFigures,
  compareMinutes,
  type Figures,
  type MinuteRecord,
  type MutableFigures,
  minuteOf,
  newFigures,
  nothingAdded,
} from '@ojs-ts/core/statistics';

interface Minute {
  readonly minute: Millis;
  readonly queue: string;
  readonly type: string;
  readonly figures: MutableFigures;
}

/** Statistics by minute, queue and type. */
export class MinuteStatistics {
  /** By minute, queue and type. */
  readonly #minutes = new Map<Millis, Map<string, Map<string, Minute>>>();
  /** The minute of the change before: most often that of the next one, too. */
  #last: Minute | undefined;

  add({ queue, type }: Pick<JobRecord, 'queue' | 'type'>, more: Addition, now: Millis): void {
    if (more !== nothingAdded) addChange(this.#of(minuteOf(now), queue, type), more);
  }

  /** Adds a minute of a dump. */
  load({ minute, queue, type, ...figures }: MinuteRecord): void {
    addFigures(this.#of(minute, queue, type), figures);
  }

  since(since: Millis, until: Millis = Number.POSITIVE_INFINITY, names?: readonly string[]): readonly MinuteRecord[] {
    return [...this.#minutes]
      .filter(([minute]) => minute >= since && minute < until)
      .flatMap(([, queues]) =>
        names === undefined ? [...queues.values()] : [...new Set(names)].flatMap((name) => queues.get(name) ?? []),
      )
      .flatMap((types) => [...types.values()].map(recordOf))
      .sort(compareMinutes);
  }

  behind(count: number, since: Millis, until: Millis): Millis | null {
    let left = count;
    for (const minute of [...this.#minutes.keys()].filter((at) => at >= since && at < until).sort((a, b) => a - b)) {
      for (const types of this.#minutes.get(minute)?.values() ?? []) left -= types.size;
      if (left < 0) return minute;
    }
    return null;
  }

  prune(before: Millis, limit: number): number {
    const gone = this.since(Number.NEGATIVE_INFINITY, before).slice(0, limit);
    for (const { minute, queue, type } of gone) {
      const queues = this.#minutes.get(minute);
      const types = queues?.get(queue);
      types?.delete(type);
      if (types?.size === 0) queues?.delete(queue);
      if (queues?.size === 0) this.#minutes.delete(minute);
    }
    this.#last = undefined;
    return gone.length;
  }

  #of(minute: Millis, queue: string, type: string): MutableFigures {
    if (this.#last?.type !== type || this.#last.queue !== queue || this.#last.minute !== minute) {
      const queues = this.#minutes.get(minute) ?? new Map<string, Map<string, Minute>>();
      const types = queues.get(queue) ?? new Map<string, Minute>();
      this.#last = types.get(type) ?? { minute, queue, type, figures: newFigures() };
      this.#minutes.set(minute, queues.set(queue, types.set(type, this.#last)));
    }
    return this.#last.figures;
  }
}

function recordOf({ minute, queue, type, figures }: Minute): MinuteRecord {
  return { minute, queue, type, ...copyOf(figures) };
}

function copyOf(figures: Figures): Figures {
  return { ...figures, histogram: { ...figures.histogram } };
}
