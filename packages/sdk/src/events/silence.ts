import { OJSConnectionError } from '../errors.ts';
import { timerMs } from '../options/duration.ts';

/** Ends a stream that has been silent for too long, which is how a connection is noticed whose other end is gone. */
export class Silence implements Disposable {
  readonly #controller = new AbortController();
  readonly #ms: number;
  readonly #stop: AbortSignal;
  readonly #onStop = () => this.#controller.abort(this.#stop.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param stop ends the stream, too. */
  constructor(ms: number, stop: AbortSignal) {
    this.#ms = ms;
    this.#stop = stop;
    if (stop.aborted) this.#onStop();
    else stop.addEventListener('abort', this.#onStop, { once: true });
    this.heard();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.pause();
    const gone = () => this.#controller.abort(new OJSConnectionError(`The stream was silent for ${this.#ms} ms.`));
    if (!this.#controller.signal.aborted) this.#timer = setTimeout(gone, timerMs(this.#ms));
  }

  /** Nobody listens: the consumer has an event to deal with. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.pause();
    this.#stop.removeEventListener('abort', this.#onStop);
  }
}
