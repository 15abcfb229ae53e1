/** What waits for a slow reader: at most `capacity` items; the oldest goes where there is no room. */
export class Outbox<T> {
  readonly #capacity: number;
  readonly #dropped: (item: T) => void;
  #items: T[] = [];
  #start = 0;
  #wake: (() => void) | null = null;

  constructor(capacity: number, dropped: (item: T) => void) {
    this.#capacity = capacity;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#items.length - this.#start;
  }

  push(item: T): void {
    if (this.size === this.#capacity) {
      const oldest = this.#items[this.#start];
      this.#start++;
      if (oldest !== undefined) this.#dropped(oldest);
    }
    // Moved once in `capacity` times, so an item costs the same however many are dropped.
    if (this.#start >= this.#capacity) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    this.#items.push(item);
    this.wake();
  }

  take(max: number): readonly T[] {
    const taken = this.#items.slice(this.#start, this.#start + max);
    this.#start += taken.length;
    if (this.#start === this.#items.length) {
      this.#items = [];
      this.#start = 0;
    }
    return taken;
  }

  /** Ends a wait without an item. */
  wake(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** Kept with the next item or wake. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
