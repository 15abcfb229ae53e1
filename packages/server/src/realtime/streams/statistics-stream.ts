import { type Engine, overview, uptimeOf } from '../../binding/admin/statistics.ts';
import { Waiter } from '../../engine/jobs/waiter.ts';
import type { StateFrame } from './wire.ts';

/** GET /admin/stats/stream: the statistics of GET /admin/stats, read once an interval however many follow them. */
export class StatisticsStream {
  readonly #engine: Engine;
  readonly #intervalMs: number;
  #reading: Promise<object> | null = null;
  #last: object | null = null;
  #readAt = 0;

  /** @param intervalMs between two readings, in milliseconds. */
  constructor(engine: Engine, intervalMs: number) {
    this.#engine = engine;
    this.#intervalMs = intervalMs;
  }

  /** The statistics without the uptime, which always changes; as old as an interval. Rejects as the store does. */
  async latest(): Promise<object> {
    if (this.#last !== null && performance.now() - this.#readAt < this.#intervalMs) return this.#last;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** The statistics at once, and again after an interval in which they changed. */
  async *follow(signal: AbortSignal): AsyncGenerator<StateFrame> {
    const waiter = new Waiter();
    for (let last = ''; !signal.aborted; await waiter.wait(this.#intervalMs, signal)) {
      const statistics = await this.latest();
      const text = JSON.stringify(statistics);
      if (text === last) continue;
      last = text;
      // An EventSource hands events of this name to `onmessage`.
      yield { name: 'message', id: '', data: JSON.stringify({ ...statistics, ...uptimeOf(this.#engine) }) };
    }
  }

  async #read(): Promise<object> {
    const last = await overview(this.#engine);
    this.#last = last;
    this.#readAt = performance.now();
    return last;
  }
}
