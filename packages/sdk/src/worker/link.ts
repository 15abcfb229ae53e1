import { OJSAPIError } from '../errors.ts';
import type { Wire } from '../json.ts';
import type { Held } from './held.ts';
import { isTooLarge } from './refusals.ts';

export interface Fetch {
  /** Repeated when the answer was lost: the server then gives the same claims again. */
  readonly requestId: string;
  readonly count: number;
  readonly waitMs: number;
}

/** What a worker tells and asks in one go. */
export interface Turn {
  readonly items: readonly Held[];
  readonly fetch: Fetch | null;
}

/** What the plain binding would have answered for one outcome. */
export interface ItemAnswer {
  readonly status: number;
  readonly message: string;
  /** The job's state from now on, where the server said it. */
  readonly state?: string | undefined;
}

/**
 * A failed request that carried one outcome alone. What no OJS server said passes, and so does a 404 or 409 of another meaning than that the
 * job is gone or somebody else's: an outcome is dropped only on the server's own word.
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

export interface TurnAnswer {
  /** In the order of the turn's items. */
  readonly items: readonly ItemAnswer[];
  readonly jobs: readonly Wire[];
}

/** How turns get to the server. A rejection says that nothing is known about any part of the turn, or that the whole of it was refused. */
export interface Link {
  /** Our extensions: one request a turn, repeatable fetches, long poll, delayed requeue. Without them a turn has items or a fetch, not both. */
  readonly extended: boolean;
  turn(turn: Turn, signal: AbortSignal): Promise<TurnAnswer>;
}
