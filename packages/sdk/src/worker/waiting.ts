import type { Held } from './held.ts';
import type { Slots } from './slots.ts';

/** Jobs that were fetched ahead and have no slot yet, oldest first, and the patience with them. */
export class Waiting {
  readonly #jobs = new Set<Held>();
  readonly #slots: Slots;
  readonly #patienceMs: number | undefined;
  readonly #tooLong: (held: Held) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param patienceMs How long one may wait; undefined for ever.
   * @param tooLong Called with each that has waited for longer; it is no longer here then.
   */
  constructor(slots: Slots, patienceMs: number | undefined, tooLong: (held: Held) => void) {
    this.#slots = slots;
    this.#patienceMs = patienceMs;
    this.#tooLong = tooLong;
  }

  /** False where there is no room. */
  add(held: Held): boolean {
    if (!this.#slots.park()) return false;
    this.#jobs.add(held);
    this.#watch();
    return true;
  }

  get isEmpty(): boolean {
    return this.#jobs.size === 0;
  }

  /** Takes the oldest. */
  shift(): Held | undefined {
    const [held] = this.#jobs;
    if (held !== undefined) this.remove(held);
    return held;
  }

  remove(held: Held): void {
    this.#jobs.delete(held);
    this.#slots.unpark();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** One timer, for the oldest. */
  #watch(): void {
    const [oldest] = this.#jobs;
    if (this.#patienceMs === undefined || oldest === undefined || this.#timer !== undefined) return;
    const patienceMs = this.#patienceMs;
    this.#timer = setTimeout(() => this.#sendAway(patienceMs), oldest.startedAt + patienceMs - performance.now());
  }

  /** Somebody else may have a slot for them. */
  #sendAway(patienceMs: number): void {
    this.#timer = undefined;
    const since = performance.now() - patienceMs;
    for (const held of this.#jobs) {
      if (held.startedAt > since) break;
      this.#slots.holdBack();
      this.remove(held);
      this.#tooLong(held);
    }
    this.#watch();
  }
}
