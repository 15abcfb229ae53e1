import type { Held } from './held.ts';
import { Pace } from './pace.ts';

/**
 * Room for `concurrency` handlers, and for jobs that are fetched ahead and wait for one of them to end. What a fetch under way has asked for counts
 * as taken, so its answer always fits.
 */
export class Slots {
  readonly concurrency: number;
  /** Jobs that may wait at all. */
  readonly #room: number;
  readonly #pace: Pace | null;
  #active = 0;
  #reserved = 0;
  #parked = 0;

  /** @param paced Whether fewer than `prefetch` are fetched ahead where handlers take long. */
  constructor(concurrency: number, prefetch = 0, paced = false) {
    this.concurrency = concurrency;
    this.#room = prefetch;
    this.#pace = paced ? new Pace(concurrency, prefetch) : null;
  }

  /** Handlers that run. */
  get active(): number {
    return this.#active;
  }

  /** Jobs that are worth fetching now. */
  get free(): number {
    return Math.max(0, this.concurrency + (this.#pace?.ahead ?? this.#room) - this.#taken);
  }

  /** Whether so much of what is to be fetched ahead is missing that a second request is worth it while one is under way. */
  get lacksTurn(): boolean {
    const ahead = this.#pace?.ahead ?? 0;
    return ahead > 0 && this.free >= ahead / 2;
  }

  get #taken(): number {
    return this.#active + this.#parked + this.#reserved;
  }

  get #full(): boolean {
    return this.#taken >= this.concurrency + this.#room;
  }

  /** Takes up to `max` free slots for a fetch; answers how many. */
  reserve(max: number): number {
    const count = Math.min(max, this.free);
    this.#reserved += count;
    return count;
  }

  /** The fetch that reserved them is over. */
  release(count: number): void {
    this.#reserved -= count;
  }

  /** False where no handler can be started. */
  occupy(): boolean {
    if (this.#full || this.#active >= this.concurrency) return false;
    this.#active++;
    return true;
  }

  vacate(): void {
    this.#active--;
  }

  /** Room for a job that waits; false where there is none. */
  park(): boolean {
    if (this.#full) return false;
    this.#parked++;
    return true;
  }

  unpark(): void {
    this.#parked--;
  }

  /** A turn was answered after so many milliseconds: how many jobs are fetched ahead follows from what it carried. */
  turned(items: readonly Held[], ms: number): void {
    this.#pace?.turned(items, ms);
  }

  /** Nothing is to be fetched ahead until turns show that it is worth it again. */
  holdBack(): void {
    this.#pace?.holdBack();
  }
}
