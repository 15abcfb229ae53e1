/** The share of its machine that a worker uses: the member `load` of its heartbeats. */
export interface Load {
  /** Resident memory of the whole process. */
  readonly rss_bytes: number;
  /** The size of the JavaScript heap that the handlers share. */
  readonly heap_used_bytes: number;
  /** Whole milliseconds. */
  readonly event_loop_lag_ms: number;
}

/** A reading is due so long after the last one, in milliseconds: see `pulse` of the watchdog. */
const dueMs = 1_000;

const rssField = 0;
const heapField = 1;
const lagField = 2;
/** Milliseconds of the wall clock, which both threads share. */
const readAtField = 3;

/** The last reading of the load, in memory that the heartbeat thread reads while the event loop is blocked. */
export class SharedLoad {
  readonly buffer: SharedArrayBuffer;
  readonly #fields: BigInt64Array;

  constructor(buffer = new SharedArrayBuffer(32)) {
    this.buffer = buffer;
    this.#fields = new BigInt64Array(buffer);
  }

  /** @param load with the lag since the reading before. */
  put({ rss_bytes, heap_used_bytes, event_loop_lag_ms }: Load): void {
    Atomics.store(this.#fields, rssField, BigInt(rss_bytes));
    Atomics.store(this.#fields, heapField, BigInt(heap_used_bytes));
    const lag = BigInt(event_loop_lag_ms);
    // Only this thread raises it. A report between the two calls may get the same lag once more.
    if (lag > Atomics.load(this.#fields, lagField)) Atomics.store(this.#fields, lagField, lag);
    Atomics.store(this.#fields, readAtField, BigInt(Date.now()));
  }

  /**
   * For a report: the last memory, and the longest lag since the report before. One delay may be in two reports. While
   * the event loop is blocked, the lag is the time by which the next reading is late.
   */
  take(): Load {
    const lag = Number(Atomics.exchange(this.#fields, lagField, 0n));
    const late = Date.now() - this.#number(readAtField) - dueMs;
    return {
      rss_bytes: this.#number(rssField),
      heap_used_bytes: this.#number(heapField),
      event_loop_lag_ms: Math.max(lag, late),
    };
  }

  #number(field: number): number {
    return Number(Atomics.load(this.#fields, field));
  }
}
