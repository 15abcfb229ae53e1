import { timerMs } from './duration.ts';
import { restacked } from './errors.ts';

/** The outcome of the work, which has so many milliseconds. Without `using`, whose helper every bundle would carry until Node 22 has gone. */
export async function within<T>(
  ms: number,
  expired: () => Error,
  caller: AbortSignal | undefined,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = new Deadline(ms, expired, caller);
  try {
    return await work(deadline);
  } finally {
    deadline[Symbol.dispose]();
  }
}

/** The end of one call: its time, or the caller's abort, whichever comes first. Both reject at once, whatever the work under way does. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #over: Promise<never>;
  readonly #caller: AbortSignal | undefined;
  readonly #until: number;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #abort: (reason: unknown) => void;
  readonly #onCallerAbort = () => this.#abort(this.#caller?.reason);

  /** @throws the reason of a signal that is already aborted. */
  constructor(ms: number, expired: () => Error, caller?: AbortSignal) {
    caller?.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.#over = promise;
    this.#abort = (reason) => {
      reject(reason);
      this.#controller.abort(reason);
    };
    this.#until = performance.now() + ms;
    this.#timer = Number.isFinite(ms) ? setTimeout(() => this.#abort(expired()), timerMs(ms)) : undefined;
    this.#caller = caller;
    caller?.addEventListener('abort', this.#onCallerAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds. */
  get remaining(): number {
    return this.#until - performance.now();
  }

  /** The work's outcome, or the end of the deadline. */
  async race<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.#over]);
    } catch (error) {
      throw restacked(error);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }
}
