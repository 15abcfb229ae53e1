/** Room for `concurrency` handlers. What a fetch under way has asked for counts as taken, so its answer always fits. */
export class Slots {
  readonly concurrency: number;
  #active = 0;
  #reserved = 0;

  constructor(concurrency: number) {
    this.concurrency = concurrency;
  }

  /** Handlers that run. */
  get active(): number {
    return this.#active;
  }

  get free(): number {
    return this.concurrency - this.#active - this.#reserved;
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

  /** False where none is free. */
  occupy(): boolean {
    if (this.free <= 0) return false;
    this.#active++;
    return true;
  }

  vacate(): void {
    this.#active--;
  }
}
