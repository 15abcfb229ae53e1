import { restacked } from '../errors.ts';
import { timerMs } from '../options/duration.ts';

/** Gives the work a deadline of `ms` milliseconds. */
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

/**
 * The deadline of one call. It ends with its time or with the caller's abort, whichever comes first, and rejects at
 * once.
 */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  /** Ends it before its time. */
  readonly end: (reason: unknown) => void;
  readonly #over: Promise<never>;
  readonly #until: number;
  readonly #release: () => void;

  /** @throws the reason of a signal that is already aborted. */
  constructor(ms: number, expired: () => Error, caller?: AbortSignal) {
    caller?.throwIfAborted();
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    const end = (reason: unknown) => {
      reject(reason);
      controller.abort(reason);
    };
    const onCallerAbort = () => end(caller?.reason);
    const timer = Number.isFinite(ms) ? setTimeout(() => end(expired()), timerMs(ms)) : undefined;
    caller?.addEventListener('abort', onCallerAbort, { once: true });
    this.signal = controller.signal;
    this.end = end;
    this.#over = promise;
    this.#until = performance.now() + ms;
    this.#release = () => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', onCallerAbort);
    };
  }

  /** Milliseconds. */
  get remaining(): number {
    return this.#until - performance.now();
  }

  /** The outcome of the work, or the end of the deadline. */
  async race<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.#over]);
    } catch (error) {
      throw restacked(error);
    }
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
