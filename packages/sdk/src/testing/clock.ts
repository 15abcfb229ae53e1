import type { Clock, Millis } from '@ojs-ts/core';

/** The clock of a store: the system's time, until a test freezes or moves it. */
export class TestClock implements Clock {
  #frozen: Millis | null = null;
  #offset = 0;

  now(): Millis {
    return this.#frozen ?? Date.now() + this.#offset;
  }

  freeze(at: Millis): void {
    this.#frozen = at;
  }

  advance(ms: Millis): void {
    if (this.#frozen === null) this.#offset += ms;
    else this.#frozen += ms;
  }
}
