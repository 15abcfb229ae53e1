/** The messages that wait for a slow reader: at most `capacity`; a new one drops the oldest. */
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
    // Moved once in `capacity` times, so the cost of an item does not depend on the number of dropped ones.
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

  /** Resolves with the next item or wake-up. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
