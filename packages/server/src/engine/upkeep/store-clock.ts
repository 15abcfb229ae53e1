import {
  type Clock,
  type Millis,
  type SteadyTime,
  type StepListener,
  steady,
  steadyFrom,
  stepMs,
  tellSteps,
} from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';

/** How often the clock of a store elsewhere is asked for. */
const measureMs = 10_000;

/** The clocks of this machine; tests replace them. */
export interface LocalClocks {
  readonly wall: () => Millis;
  readonly monotonic: () => Millis;
}

const system: LocalClocks = { wall: () => Date.now(), monotonic: () => Math.floor(performance.now()) };

/**
 * A clock at the store's time, by core's rules for steps. The time of a store in this process is the wall clock of the
 * machine. That of a store elsewhere is the monotonic clock plus an offset, which {@link follow} measures: the wall
 * clock of this machine does not matter then.
 */
export class StoreClock implements Clock {
  readonly #storage: Storage;
  readonly #local: LocalClocks;
  #listener: StepListener = {};
  #time: SteadyTime;
  /** Null where the store's clock is the machine's, and before the first measurement. */
  #offset: Millis | null = null;
  /** The wall clock of this machine minus the monotonic one, and the latter, at the last measurement. */
  #wallOffset = 0;
  #measuredAt = Number.NEGATIVE_INFINITY;

  constructor(storage: Storage, local: LocalClocks = system) {
    this.#storage = storage;
    this.#local = local;
    this.#time = steadyFrom(local.wall(), local.monotonic());
  }

  now(): Millis {
    const monotonic = this.#local.monotonic();
    const before = this.#time;
    this.#time = steady(before, this.#offset === null ? this.#local.wall() : monotonic + this.#offset, monotonic);
    tellSteps(before, this.#time, this.#listener);
    return this.#time.now;
  }

  /** Tells of steps from now on. */
  listen(listener: StepListener): void {
    this.#listener = listener;
  }

  /** The store's time minus that of this machine's wall clock. */
  get ahead(): Millis {
    return this.#offset === null ? 0 : this.#offset - this.#wallOffset;
  }

  /**
   * Measures where it is time to: every 10 s, and once the wall clock has stepped, as it has after a sleep. The store
   * told its time somewhere between there and back. An offset that fits stays: after a call that took seconds half of
   * the way may be seconds wrong.
   */
  async follow(): Promise<void> {
    if (this.#storage.traits.inProcess) {
      this.now();
      return;
    }
    const { wall, monotonic } = this.#local;
    const sent = monotonic();
    const stepped = Math.abs(wall() - sent - this.#wallOffset) > stepMs;
    if (sent - this.#measuredAt < measureMs && !stepped) return;
    const store = await this.#storage.clock();
    const received = monotonic();
    const [least, most] = [store - received, store - sent];
    const before = this.#offset;
    const offset = before === null ? Math.round((least + most) / 2) : Math.min(Math.max(before, least), most);
    const wallBefore = this.#wallOffset;
    this.#wallOffset = wall() - received;
    this.#measuredAt = received;
    this.#offset = offset;
    const slept = before !== null && offset > before + stepMs;
    // Two clocks that are ahead by the same: this machine slept. Behind the others it would take leases that have ended.
    if (before === null || (slept && Math.abs(offset - before - (this.#wallOffset - wallBefore)) <= stepMs))
      this.#time = steadyFrom(received + offset, received);
    this.now();
  }
}
