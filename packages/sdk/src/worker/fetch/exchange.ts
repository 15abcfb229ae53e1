import { OJSAPIError } from '../../errors.ts';
import type { Wire } from '../../json.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import { isTooLarge } from './response-checks.ts';

export interface Fetch {
  /** Repeated when the answer was lost: the server then gives the same claims again. */
  readonly requestId: string;
  readonly count: number;
  readonly waitMs: number;
}

/** Outcomes and a fetch in one request. */
export interface ExchangeRequest {
  readonly items: readonly LeasedJob[];
  readonly fetch: Fetch | null;
}

/** The answer of the plain binding for one outcome. */
export interface ItemAnswer {
  readonly status: number;
  readonly message: string;
  /** The job's state from now on, where the server said it. */
  readonly state?: string | undefined;
}

/**
 * A failed request that carried one outcome alone. An answer of anything but an OJS server passes, and so does a 404 or
 * 409 that does not mean that the job is gone or another worker's: an outcome is dropped only on the server's own word.
 * @param characters of the outcome.
 */
export function itemAnswerOf(error: unknown, characters = 0): ItemAnswer {
  const message = error instanceof Error ? error.message : String(error);
  if (isTooLarge(error, characters)) return { status: 413, message };
  if (!(error instanceof OJSAPIError) || error.error.foreign) return { status: 503, message };
  const { statusCode: status, code } = error;
  const unclear = (status === 404 || status === 409) && code !== 'not_found' && code !== 'conflict';
  return { status: unclear ? 503 : status, message };
}

export interface ExchangeAnswer {
  /** In the order of the request's items. */
  readonly items: readonly ItemAnswer[];
  readonly jobs: readonly Wire[];
}

/**
 * Carries requests to the server. A rejection means that no part has a known outcome, or that the server refused the
 * whole request.
 */
export interface Exchange {
  /**
   * The server has this project's extensions: items and fetch in one request, repeatable fetches, long poll, delayed
   * requeue. Without them a request has items or a fetch, not both.
   */
  readonly extended: boolean;
  send(request: ExchangeRequest, signal: AbortSignal): Promise<ExchangeAnswer>;
}
