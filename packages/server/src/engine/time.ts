import { type Clock, systemClock } from '@ojs-ts/core';
import type { Storage } from '../storage/storage.ts';

/** A clock at the store's time: this node's clock plus an offset, measured again by `follow()`. */
export class StoreClock implements Clock {
  readonly #local = systemClock();
  #offset = 0;

  now(): number {
    return this.#local.now() + this.#offset;
  }

  async follow(storage: Storage): Promise<void> {
    const sent = this.#local.now();
    const store = await storage.clock();
    const received = this.#local.now();
    this.#offset = Math.round(store - (sent + received) / 2);
  }
}
