import type { Held } from './held.ts';

/** What three fetches bring, one for each turn that may be under way. Jobs beyond that would wait here while other workers could run them. */
export const maxAhead = 300;

/** A job that was fetched ahead by itself and has no slot after this time goes back to its queue, in milliseconds. */
export const patienceMs = 250;

/**
 * How many jobs to fetch ahead of free slots where nobody named a number: as many as end while a turn is under way, so that no slot waits for the
 * next answer. Handlers that take longer than a turn keep their slots busy by themselves, and nothing is fetched ahead of them.
 */
export class Pace {
  readonly #concurrency: number;
  readonly #most: number;
  #ahead = 0;

  constructor(concurrency: number, most: number) {
    this.#concurrency = concurrency;
    this.#most = most;
  }

  get ahead(): number {
    return this.#ahead;
  }

  /**
   * A turn was answered. What it carried had ended during the one before: three times as much in hand keeps as many turns under way and shows whether still
   * more would end. By halves only it becomes less, because turns that overlap carry unequal parts.
   */
  turned(items: readonly Held[], ms: number): void {
    let short = 0;
    for (const held of items) if (held.ranMs <= ms) short++;
    this.#ahead = Math.min(this.#most, Math.max(3 * short - this.#concurrency, this.#ahead >> 1));
  }

  /** Jobs waited in vain, or there are no more of them. */
  holdBack(): void {
    this.#ahead = 0;
  }
}
