import type { LeasedJob } from '../leases/leased-job.ts';

/**
 * Three fetches of 500, one for each request that may be in flight. PostgreSQL drains 1.35 times as fast as with 100,
 * SQLite 1.15 times.
 */
export const maxAhead = 1_500;

/** A prefetched job without a slot goes back to its queue after this time, in milliseconds. */
export const patienceMs = 250;

/**
 * Calculates how many jobs to fetch ahead of free slots when the user sets no number: as many as end while a request is
 * in flight, so that no slot waits for the next answer. Handlers that run longer than a request keep their slots busy;
 * then nothing is fetched ahead.
 */
export class PrefetchWindow {
  readonly #concurrency: number;
  readonly #most: number;
  #ahead = 0;

  constructor(concurrency: number, most: number) {
    this.#concurrency = concurrency;
    this.#most = most;
  }

  get ahead(): number {
    return this.#ahead;
  }

  /**
   * A request was answered after `ms`. Its outcomes ended during the request before. Three times as many jobs at hand
   * keep three requests in flight and show whether still more would end. The window shrinks by half at most, because
   * requests that overlap carry unequal parts.
   */
  answered(items: readonly LeasedJob[], ms: number): void {
    let short = 0;
    for (const leased of items) if (leased.ranMs <= ms) short++;
    this.#ahead = Math.min(this.#most, Math.max(3 * short - this.#concurrency, this.#ahead >> 1));
  }

  /** Prefetched jobs found no slot, or the queues are empty. */
  holdBack(): void {
    this.#ahead = 0;
  }
}

/**
 * Room for `concurrency` handlers, and for jobs that are fetched ahead and wait for one of them to end. Jobs that a
 * fetch in flight has asked for count as taken, so its answer always fits.
 */
export class Slots {
  readonly concurrency: number;
  /** Jobs that may wait at all. */
  readonly #room: number;
  readonly #window: PrefetchWindow | null;
  #active = 0;
  #reserved = 0;
  #parked = 0;

  /** @param paced true to fetch fewer than `prefetch` ahead if handlers take long. */
  constructor(concurrency: number, prefetch = 0, paced = false) {
    this.concurrency = concurrency;
    this.#room = prefetch;
    this.#window = paced ? new PrefetchWindow(concurrency, prefetch) : null;
  }

  /** Handlers that run. */
  get active(): number {
    return this.#active;
  }

  /** Jobs that are worth fetching now. */
  get free(): number {
    return Math.max(0, this.concurrency + (this.#window?.ahead ?? this.#room) - this.#taken);
  }

  /** True if enough room is free for a further request while some are in flight: a third, so that there are three. */
  get wantsMore(): boolean {
    const ahead = this.#window?.ahead ?? 0;
    return ahead > 0 && 3 * this.free >= this.concurrency + ahead;
  }

  get #taken(): number {
    return this.#active + this.#parked + this.#reserved;
  }

  get #full(): boolean {
    return this.#taken >= this.concurrency + this.#room;
  }

  /** Takes up to `max` free slots for a fetch; answers how many. */
  reserve(max: number): number {
    const count = Math.min(max, this.free);
    this.#reserved += count;
    return count;
  }

  /** The fetch that reserved them is over. */
  release(count: number): void {
    this.#reserved -= count;
  }

  /** False if no handler can be started. */
  occupy(): boolean {
    if (this.#full || this.#active >= this.concurrency) return false;
    this.#active++;
    return true;
  }

  vacate(): void {
    this.#active--;
  }

  /** Room for a job that waits; false if there is none. */
  park(): boolean {
    if (this.#full) return false;
    this.#parked++;
    return true;
  }

  unpark(): void {
    this.#parked--;
  }

  /** A request with these outcomes was answered after `ms`: they set how many jobs are fetched ahead. */
  answered(items: readonly LeasedJob[], ms: number): void {
    this.#window?.answered(items, ms);
  }

  /** Fetches nothing ahead until answers show that it pays again. */
  holdBack(): void {
    this.#window?.holdBack();
  }
}
