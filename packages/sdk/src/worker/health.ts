import type { Slots } from './fetch/slots.ts';

/** `idle`: before `start()` and after the drain. */
export type WorkerState = 'idle' | 'running' | 'quiet' | 'terminate';

/** The state of a worker. */
export interface WorkerHealth {
  /**
   * False while idle. Also false if a running worker with a free slot has had no fetch answered for `watchdogTimeout`
   * (60 s).
   */
  readonly ok: boolean;
  readonly state: WorkerState;
  /** The number of running handlers. */
  readonly active: number;
  /** How often the watchdog has opened a new connection. */
  readonly rebuilds: number;
  readonly lastFetchAt?: Date;
  readonly lastHeartbeatAt?: Date;
}

/** Remembers when the server last answered. */
export class Health {
  readonly #slots: Slots;
  readonly #staleMs: number;
  #lastFetch: number | undefined;
  #lastHeartbeat: number | undefined;
  #rebuilds = 0;

  constructor(slots: Slots, staleMs: number) {
    this.#slots = slots;
    this.#staleMs = staleMs;
  }

  /** True for the first answer. */
  fetched(): boolean {
    const isFirst = this.#lastFetch === undefined;
    this.#lastFetch = Date.now();
    return isFirst;
  }

  beaten(): void {
    this.#lastHeartbeat = Date.now();
  }

  rebuilt(): void {
    this.#rebuilds++;
  }

  of(state: WorkerState): WorkerHealth {
    const { active, concurrency } = this.#slots;
    const fresh = this.#lastFetch !== undefined && Date.now() - this.#lastFetch < this.#staleMs;
    return {
      ok: state !== 'idle' && (state !== 'running' || fresh || active >= concurrency),
      state,
      active,
      rebuilds: this.#rebuilds,
      ...(this.#lastFetch !== undefined && { lastFetchAt: new Date(this.#lastFetch) }),
      ...(this.#lastHeartbeat !== undefined && { lastHeartbeatAt: new Date(this.#lastHeartbeat) }),
    };
  }
}
