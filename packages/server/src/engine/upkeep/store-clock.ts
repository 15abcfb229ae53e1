import { type Clock, systemClock } from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';

/** A clock with the store's time: this node's clock plus an offset, which `follow()` measures again. */
export class StoreClock implements Clock {
  readonly #local = systemClock();
  /** Null before the first measurement. */
  #offset: number | null = null;

  now(): number {
    return this.#local.now() + (this.#offset ?? 0);
  }

  /**
   * The store told its time somewhere between there and back. An offset that fits stays: after a call that took seconds
   * half of the way may be seconds wrong.
   */
  async follow(storage: Storage): Promise<void> {
    const sent = this.#local.now();
    const store = await storage.clock();
    const received = this.#local.now();
    const [least, most] = [store - received, store - sent];
    this.#offset =
      this.#offset === null ? Math.round((least + most) / 2) : Math.min(Math.max(this.#offset, least), most);
  }
}
