import type { EventBatch } from '../events/events.ts';

export interface EventsRead {
  readonly batches: readonly EventBatch[];
  /** The first position still kept: a cursor before it has missed events. */
  readonly oldest: number;
  readonly newest: number;
  /**
   * The position that the read reached, since one call looks at a bounded part of the log: the caller has every batch
   * between its position and this one, and continues from here. At the end of the log `newest`, and backwards `oldest`.
   */
  readonly reached: number;
}
