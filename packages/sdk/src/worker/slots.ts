/**
 * Room for `concurrency` handlers, and for `prefetch` jobs that wait for one of them to end. What a fetch under way has asked for counts as taken,
 * so its answer always fits.
 */
export class Slots {
  readonly concurrency: number;
  readonly #prefetch: number;
  #active = 0;
  #reserved = 0;
  #parked = 0;

  constructor(concurrency: number, prefetch = 0) {
    this.concurrency = concurrency;
    this.#prefetch = prefetch;
  }

  /** Handlers that run. */
  get active(): number {
    return this.#active;
  }

  get free(): number {
    return this.concurrency + this.#prefetch - this.#active - this.#parked - this.#reserved;
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
    if (this.free <= 0 || this.#active >= this.concurrency) return false;
    this.#active++;
    return true;
  }

  vacate(): void {
    this.#active--;
  }

  /** Room for a job that waits; false where there is none. */
  park(): boolean {
    if (this.free <= 0) return false;
    this.#parked++;
    return true;
  }

  unpark(): void {
    this.#parked--;
  }
}
