/** The most time that such work takes in one round of the event loop, in milliseconds. */
const sliceMs = 1;

/**
 * Turns for work that gives way, such as the delivery of events. Each round of the event loop first handles everything
 * that has arrived. Then callers have their turns, in the order in which they asked, for a millisecond in all.
 */
export class Turns {
  readonly #waiting = new Set<() => void>();
  #isBegun = false;

  /** Resolves when the caller may work until its next wait, which should take less than a millisecond. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      if (!this.#isBegun) this.#begin();
    });
  }

  #begin(): void {
    this.#isBegun = true;
    setImmediate(() => void this.#round());
  }

  async #round(): Promise<void> {
    const until = performance.now() + sliceMs;
    for (const go of this.#waiting) {
      this.#waiting.delete(go);
      go();
      // The caller continues before this loop does.
      await undefined;
      if (performance.now() >= until) break;
    }
    this.#isBegun = false;
    if (this.#waiting.size > 0) this.#begin();
  }
}
