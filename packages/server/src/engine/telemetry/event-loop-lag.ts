import type { Histogram } from './instruments.ts';

/** Ten looks a second take 0.01 % of a core. */
const everyMs = 100;

/** Records how late a timer runs: as late as anything else that is due at any moment. */
export class EventLoopLag {
  readonly #histogram: Histogram;
  #timer: NodeJS.Timeout | undefined;

  constructor(histogram: Histogram) {
    this.#histogram = histogram;
  }

  start(): void {
    const recorder = this.#histogram.of({});
    let due = performance.now() + everyMs;
    this.#timer = setInterval(() => {
      const now = performance.now();
      recorder.record(Math.max(0, now - due) / 1_000);
      due = now + everyMs;
    }, everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
