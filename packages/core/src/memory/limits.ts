import type { Millis } from '@ojs-ts/core';
import type { LimitNumbers } from '@ojs-ts/core/job';
import { countedStarts, effectiveLimit, hasSlot, keepMs, noNumbers, reopensAt, stampOf } from '@ojs-ts/core/lifecycle';
import type { LimitRecord } from '../store/registry.ts';

/** The limit of a key. For the limit of a whole queue the queue's own counts replace `active` and `waiting`. */
export class Limit {
  readonly key: string;
  own: LimitNumbers = noNumbers;
  override: LimitNumbers | null = null;
  active = 0;
  /** Jobs that name the key, finished ones too. */
  jobs = 0;
  /** When a job that names the key last came or started, or an operator last overrode the numbers. */
  usedAt: Millis = 0;
  /** Available jobs under the key by the queue's name; no entry for none. */
  readonly waiting = new Map<string, number>();
  /** Oldest first. Starts before `#first` are stale. */
  readonly #starts: Millis[] = [];
  #first = 0;

  constructor(key: string) {
    this.key = key;
  }

  hasRoom(now: Millis, active = this.active): boolean {
    return hasSlot(effectiveLimit(this), active) && this.reopensAt(now) === null;
  }

  hasSlot(active = this.active): boolean {
    return hasSlot(effectiveLimit(this), active);
  }

  reopensAt(now: Millis): Millis | null {
    const starts = this.#starts;
    const kept = starts.length - this.#first;
    return reopensAt(effectiveLimit(this), (n) => (n <= kept ? starts[starts.length - n] : undefined), now);
  }

  /** Notes a start if a rate needs it; answers whether it did. */
  started(now: Millis): boolean {
    const keep = keepMs(this);
    if (keep === 0) return false;
    const starts = this.#starts;
    const at = stampOf(starts.at(-1), now);
    starts.push(at);
    for (let first = starts[this.#first]; first !== undefined && first <= at - keep; first = starts[this.#first])
      this.#first += 1;
    if (this.#first >= 1024) this.#first -= starts.splice(0, this.#first).length;
    return true;
  }

  /** The starts that count, oldest first. */
  get starts(): readonly Millis[] {
    return this.#starts.slice(this.#first);
  }

  /** Adds starts of a dump. */
  load(starts: readonly Millis[]): void {
    this.#starts.push(...starts);
  }

  used(now: Millis): void {
    this.usedAt = Math.max(this.usedAt, now);
  }

  wait(queue: string, by: 1 | -1): void {
    const count = (this.waiting.get(queue) ?? 0) + by;
    if (count === 0) this.waiting.delete(queue);
    else this.waiting.set(queue, count);
  }

  record(
    active = this.active,
    waiting = [...this.waiting.values()].reduce((sum, count) => sum + count, 0),
  ): LimitRecord {
    const { key, own, override } = this;
    return { key, own, override, active, waiting, starts: countedStarts(effectiveLimit(this), this.starts) };
  }
}
