import type { LeasedJob } from '../leases/leased-job.ts';
import type { Slots } from './slots.ts';

/** Jobs that were fetched ahead and have no slot yet, oldest first, and the patience with them. */
export class Prefetched {
  /** From `#first` on; no Set, for the reason that `LeasedJobs` gives. */
  #jobs: LeasedJob[] = [];
  #first = 0;
  readonly #slots: Slots;
  readonly #patienceMs: number | undefined;
  readonly #tooLong: (leased: LeasedJob) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param patienceMs How long one may wait; undefined for ever.
   * @param tooLong Called with each that has waited for longer; it is no longer here then.
   */
  constructor(slots: Slots, patienceMs: number | undefined, tooLong: (leased: LeasedJob) => void) {
    this.#slots = slots;
    this.#patienceMs = patienceMs;
    this.#tooLong = tooLong;
  }

  /** False if there is no room. */
  add(leased: LeasedJob): boolean {
    if (!this.#slots.park()) return false;
    this.#jobs.push(leased);
    this.#watch();
    return true;
  }

  get isEmpty(): boolean {
    return this.#first === this.#jobs.length;
  }

  /** Takes the oldest. */
  shift(): LeasedJob | undefined {
    const leased = this.#jobs[this.#first];
    if (leased === undefined) return undefined;
    this.#first++;
    // Half of the list at least has gone: moving the rest costs nothing a job.
    if (this.#first * 2 >= this.#jobs.length) {
      this.#jobs = this.#jobs.slice(this.#first);
      this.#first = 0;
    }
    this.#slots.unpark();
    return leased;
  }

  remove(leased: LeasedJob): void {
    const at = this.#jobs.indexOf(leased, this.#first);
    if (at < 0) return;
    this.#jobs.splice(at, 1);
    this.#slots.unpark();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** One timer, for the oldest. */
  #watch(): void {
    const oldest = this.#jobs[this.#first];
    if (this.#patienceMs === undefined || oldest === undefined || this.#timer !== undefined) return;
    const patienceMs = this.#patienceMs;
    this.#timer = setTimeout(() => this.#sendAway(patienceMs), oldest.startedAt + patienceMs - performance.now());
  }

  /** Another worker may have a slot for them. */
  #sendAway(patienceMs: number): void {
    this.#timer = undefined;
    const since = performance.now() - patienceMs;
    for (
      let leased = this.#jobs[this.#first];
      leased !== undefined && leased.startedAt <= since;
      leased = this.#jobs[this.#first]
    ) {
      this.#slots.holdBack();
      this.shift();
      this.#tooLong(leased);
    }
    this.#watch();
  }
}
