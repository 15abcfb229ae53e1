import { timerMs } from '../options/duration.ts';

/** Resolves after `ms`, or when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, timerMs(ms));
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

/** The outcome of the work, or the signal's reason as soon as it is aborted, whatever the work does. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Exponential with jitter of ±50 %, capped: `min`, then twice as long each time. Milliseconds; `failures` counts from
 * 1.
 */
export function backoffMs(failures: number, min: number, max: number): number {
  return Math.min(max, min * 2 ** Math.min(failures - 1, 30)) * (0.5 + Math.random());
}

/**
 * Runs after the microtasks and the I/O events of this round: without the millisecond that a timer costs, where the
 * platform can.
 */
export const macrotask: (run: () => void) => void =
  typeof setImmediate === 'function' ? (run) => void setImmediate(run) : (run) => void setTimeout(run, 0);
