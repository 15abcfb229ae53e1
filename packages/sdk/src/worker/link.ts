import type { Wire } from '../json.ts';
import type { Held } from './held.ts';

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
