import { isPassing } from '../connection/api-error.ts';
import { OJSAPIError, OJSConnectionError, OJSTimeoutError } from '../errors.ts';

/** Decides how long a wait continues after errors: an outage shorter than the timeout of a call is waited out. */
export class Outage {
  readonly #limitMs: number;
  #since: number | null = null;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /**
   * Reports whether to ask again after the error.
   * @param answeredAt when the server last answered: an outage before that is over.
   */
  covers(error: unknown, answeredAt: number): boolean {
    const now = performance.now();
    if (this.#since === null || answeredAt > this.#since) this.#since = now;
    return isOutage(error) && now - this.#since <= this.#limitMs;
  }
}

/** Reports whether the error says nothing about the job or workflow, only that the server did not answer. */
export function isOutage(error: unknown): boolean {
  if (error instanceof OJSAPIError) return isPassing(error);
  return error instanceof OJSConnectionError || error instanceof OJSTimeoutError;
}
