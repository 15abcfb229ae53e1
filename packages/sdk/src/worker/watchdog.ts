export interface WatchdogServices {
  /** Milliseconds without an answered fetch. */
  readonly limitMs: number;
  /** A block of the event loop of so many milliseconds may have cost leases. */
  readonly blockMs: number;
  /** Reports whether a fetch should be in flight: the worker takes jobs and has room. */
  wants(): boolean;
  /** No fetch was answered for the whole limit although one was wanted. Called again after each further limit. */
  stale(ms: number): void;
  /** Every second at most, while the event loop runs. */
  pulse?(): void;
}

/** Checks that fetches come back, and whether the event loop was blocked. */
export class Watchdog {
  readonly #services: WatchdogServices;
  readonly #tickMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #since = 0;
  #tickAt = 0;
  #stoodStillAt = Number.NEGATIVE_INFINITY;

  constructor(services: WatchdogServices) {
    this.#services = services;
    this.#tickMs = Math.max(1, Math.min(1_000, services.limitMs / 4, services.blockMs / 4));
  }

  start(): void {
    this.#tickAt = performance.now();
    this.#since = this.#tickAt;
    this.#timer = setInterval(() => this.#tick(), this.#tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  fetched(): void {
    this.#since = performance.now();
  }

  /**
   * Reports whether a request sent at that moment was in flight while the event loop was blocked. An answer that waited
   * so long in the socket is old: the server may have given its jobs to another worker. Timers run before sockets are
   * read, so this is known when such an answer is.
   */
  stoodStill(sentAt: number): boolean {
    return sentAt < this.#stoodStillAt;
  }

  #tick(): void {
    const now = performance.now();
    const late = now - this.#tickAt - this.#tickMs;
    this.#tickAt = now;
    this.#services.pulse?.();
    if (late > this.#services.blockMs) this.#stoodStillAt = now;
    // No fetch can be answered while the process does not listen.
    if (late > this.#tickMs) this.#since += late;
    if (!this.#services.wants()) this.#since = now;
    if (now - this.#since < this.#services.limitMs) return;
    this.#services.stale(now - this.#since);
    this.#since = now;
  }
}
