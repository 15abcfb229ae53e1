import { isPassing } from '../connection/api-error.ts';
import { OJSAPIError, OJSConnectionError, OJSTimeoutError } from '../errors.ts';

/** The patience of one wait: a server that is away for no longer than a call may take is waited for. */
export class Outage {
  readonly #limitMs: number;
  #since: number | null = null;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /**
   * Whether to ask again after the error. @param answeredAt when the server last answered: an outage before that is
   * over.
   */
  bears(error: unknown, answeredAt: number): boolean {
    const now = performance.now();
    if (this.#since === null || answeredAt > this.#since) this.#since = now;
    return isOutage(error) && now - this.#since <= this.#limitMs;
  }
}

/** Nothing was said about what is waited for. */
export function isOutage(error: unknown): boolean {
  if (error instanceof OJSAPIError) return isPassing(error);
  return error instanceof OJSConnectionError || error instanceof OJSTimeoutError;
}
