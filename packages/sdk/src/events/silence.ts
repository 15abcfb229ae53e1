import { OJSConnectionError } from '../errors.ts';
import { timerMs } from '../options/duration.ts';

/** Ends a stream that was silent for too long. A connection whose other end is gone shows no other sign. */
export class Silence implements Disposable {
  readonly #controller = new AbortController();
  readonly #ms: number;
  readonly #stop: AbortSignal;
  readonly #onStop = () => this.#controller.abort(this.#stop.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param stop also ends the stream. */
  constructor(ms: number, stop: AbortSignal) {
    this.#ms = ms;
    this.#stop = stop;
    if (stop.aborted) this.#onStop();
    else stop.addEventListener('abort', this.#onStop, { once: true });
    this.reset();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  reset(): void {
    this.pause();
    const gone = () => this.#controller.abort(new OJSConnectionError(`The stream was silent for ${this.#ms} ms.`));
    if (!this.#controller.signal.aborted) this.#timer = setTimeout(gone, timerMs(this.#ms));
  }

  /** Stops the timer while the consumer handles an event. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.pause();
    this.#stop.removeEventListener('abort', this.#onStop);
  }
}
