/** The shortest useful timer, in milliseconds. */
const graceMs = 100;

/**
 * A token bucket: `burst` messages at once, then `perSecond` (ojs-realtime §5.7). Times in milliseconds of one
 * monotonic clock.
 */
export class Pace {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** `perSecond` 0 does not limit. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** How many messages may be sent now. */
  room(now: number): number {
    if (this.#perMs === 0) return Number.POSITIVE_INFINITY;
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    return Math.floor(this.#tokens);
  }

  spend(count: number): void {
    this.#tokens -= count;
  }

  /** How long to wait for a token: at least the time of one message, and about a tenth of a second. */
  delay(): number {
    return Math.max(graceMs, Math.ceil((1 - this.#tokens) / this.#perMs));
  }
}
