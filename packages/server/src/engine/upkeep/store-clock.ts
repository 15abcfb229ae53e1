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

/** Two clocks drift apart by at most so much of the time that passes: NTP slews each by up to 500 ppm (RFC 5905). */
const drift = 0.001;
/** An hour without a measurement must not look like a step of the clock. */
const maxDriftMs = stepMs / 2;

/**
 * The bounds of a store's clock: it is ahead of the monotonic clock of this machine by at least `least` and at most
 * `most` milliseconds, as measured at a time of the monotonic clock.
 */
interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly at: number;
}

/** A store's clock that showed `store`, in whole milliseconds, at some moment of the round trip. */
interface Measurement {
  readonly sent: number;
  readonly store: Millis;
  readonly received: number;
}

/** Combines both measurements. If they contradict each other the clock has stepped, and `before` no longer counts. */
function narrowed(before: Bounds | null, { sent, store, received }: Measurement): Bounds {
  const back = driftOf(sent, received);
  const next = { least: store - received - back, most: store + 1 - sent + back, at: received };
  if (before === null || !agree(before, next)) return next;
  const by = driftOf(before.at, received);
  return { least: Math.max(next.least, before.least - by), most: Math.min(next.most, before.most + by), at: received };
}

function agree(before: Bounds, next: Bounds): boolean {
  const by = driftOf(before.at, next.at);
  return next.least <= before.most + by && before.least - by <= next.most;
}

function driftOf(from: number, to: number): number {
  return Math.min((to - from) * drift, maxDriftMs);
}

/** The clocks of this machine, in milliseconds; tests replace them. */
export interface LocalClocks {
  readonly wall: () => Millis;
  readonly monotonic: () => number;
}

const system: LocalClocks = { wall: () => Date.now(), monotonic: () => performance.now() };

/**
 * A clock at the store's time, by core's rules for steps. The time of a store in this process is the wall clock of the
 * machine. That of a store elsewhere is the monotonic clock plus an offset, of which {@link follow} measures the
 * bounds: the wall clock of this machine does not matter then. `now()` is the earliest time within the bounds, because
 * what is due must not start early.
 */
export class StoreClock implements Clock {
  readonly #storage: Storage;
  readonly #local: LocalClocks;
  #listener: StepListener = {};
  #time: SteadyTime;
  /** Null where the store's clock is the machine's, and before the first measurement. */
  #bounds: Bounds | null = null;
  /** The wall clock of this machine minus the monotonic one at the last measurement. */
  #wallOffset = 0;
  #isMeasuring = false;

  constructor(storage: Storage, local: LocalClocks = system) {
    this.#storage = storage;
    this.#local = local;
    this.#time = steadyFrom(local.wall(), Math.floor(local.monotonic()));
  }

  now(): Millis {
    const monotonic = this.#local.monotonic();
    const bounds = this.#bounds;
    const wall =
      bounds === null ? this.#local.wall() : Math.floor(monotonic + bounds.least - driftOf(bounds.at, monotonic));
    const before = this.#time;
    this.#time = steady(before, wall, Math.floor(monotonic));
    tellSteps(before, this.#time, this.#listener);
    return this.#time.now;
  }

  latest(): Millis {
    const now = this.now();
    const bounds = this.#bounds;
    if (bounds === null) return now;
    const by = driftOf(bounds.at, this.#local.monotonic());
    // `now()` has rounded down by less than one.
    return now + Math.ceil(bounds.most - bounds.least + 2 * by) + 1;
  }

  stands(): boolean {
    this.now();
    const { step, offset } = this.#time;
    return step !== null && step.offset < offset;
  }

  /** Reports steps from now on. */
  listen(listener: StepListener): void {
    this.#listener = listener;
  }

  /** The store's time minus that of this machine's wall clock. */
  get ahead(): Millis {
    return this.#bounds === null ? 0 : Math.round(this.#bounds.least - this.#wallOffset);
  }

  /** Measures where it is time to; to be called once a second. */
  async follow(): Promise<void> {
    if (this.#storage.traits.inProcess) this.now();
    else if (!this.#isMeasuring) {
      this.#isMeasuring = true;
      try {
        await this.#measure();
      } finally {
        this.#isMeasuring = false;
      }
    }
  }

  async #measure(): Promise<void> {
    const { wall, monotonic } = this.#local;
    const sent = monotonic();
    const store = await this.#storage.clock();
    const received = monotonic();
    const before = this.#bounds;
    const bounds = narrowed(before, { sent, store, received });
    const wallBefore = this.#wallOffset;
    this.#wallOffset = wall() - received;
    this.#bounds = bounds;
    const by = before === null ? 0 : bounds.least - before.least;
    // Two clocks that are ahead by the same: this machine slept. Behind the others it would take leases that have
    // ended.
    const slept = by > stepMs && Math.abs(by - (this.#wallOffset - wallBefore)) <= stepMs;
    // After an answer that took seconds, the next one measures the same clock better.
    const isBetter = by > stepMs && before !== null && agree(before, bounds) && this.#time.step === null;
    if (before === null || slept || isBetter)
      this.#time = steadyFrom(Math.floor(received + bounds.least), Math.floor(received));
    if (slept) this.#listener.followed?.(Math.round(by));
    this.now();
  }
}
