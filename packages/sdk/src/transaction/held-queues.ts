import type { OJSAPIError } from '../errors.ts';

interface Held {
  readonly until: number;
  readonly pauseMs: number;
  readonly error: OJSAPIError;
}

/**
 * Queues that take no jobs for now. Their rows wait, in their order, and hold up nobody else's. Times are in
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

  /** Why the one that has waited longest is held; null where none is. */
  get error(): OJSAPIError | null {
    return [...this.#held.values()][0]?.error ?? null;
  }

  /** Those whose pause is not over. */
  resting(now: number): Set<string> {
    return new Set([...this.#held].flatMap(([queue, { until }]) => (until > now ? [queue] : [])));
  }

  /** Pauses double with every refusal. True where the queue was not held before. */
  hold(queue: string, error: OJSAPIError, now: number): boolean {
    const known = this.#held.get(queue);
    const pauseMs = known === undefined ? this.#firstMs : Math.min(2 * known.pauseMs, this.#longestMs);
    this.#held.set(queue, { until: now + pauseMs, pauseMs, error });
    return known === undefined;
  }

  /** It has taken a job. True where it was held before. */
  release(queue: string): boolean {
    return this.#held.delete(queue);
  }

  /** Ends every pause. */
  wake(): void {
    for (const [queue, held] of this.#held) this.#held.set(queue, { ...held, until: 0 });
  }
}

/** Whether the refusal is of one queue and passes: it is paused, or full. */
export function isOfQueue({ code }: OJSAPIError): boolean {
  return code === 'queue_paused' || code === 'queue_full';
}
