import type { OJSAPIError } from '../errors.ts';

interface Held {
  readonly until: number;
  readonly pauseMs: number;
  readonly error: OJSAPIError;
}

/**
 * Queues that accept no jobs for now. Their rows wait in order, and do not delay rows of other queues. Times are in
 * milliseconds.
 */
export class HeldQueues {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #held = new Map<string, Held>();

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** The error of the queue that has waited longest; null if none waits. */
  get error(): OJSAPIError | null {
    return [...this.#held.values()][0]?.error ?? null;
  }

  /** The queues whose pause is not over. */
  resting(now: number): Set<string> {
    return new Set([...this.#held].flatMap(([queue, { until }]) => (until > now ? [queue] : [])));
  }

  /** Each refusal doubles the pause. Returns true if the queue was not held before. */
  hold(queue: string, error: OJSAPIError, now: number): boolean {
    const earlier = this.#held.get(queue);
    const pauseMs = earlier === undefined ? this.#firstMs : Math.min(2 * earlier.pauseMs, this.#longestMs);
    this.#held.set(queue, { until: now + pauseMs, pauseMs, error });
    return earlier === undefined;
  }

  /** Releases a queue that has accepted a job. Returns true if it was held before. */
  release(queue: string): boolean {
    return this.#held.delete(queue);
  }

  /** Ends every pause. */
  wake(): void {
    for (const [queue, held] of this.#held) this.#held.set(queue, { ...held, until: 0 });
  }
}

/** Reports whether the refusal concerns one queue and will pass: the queue is paused or full. */
export function isOfQueue({ code }: OJSAPIError): boolean {
  return code === 'queue_paused' || code === 'queue_full';
}
