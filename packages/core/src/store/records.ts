import type { CommitAnswer, RecordChange, RecordKey, StoredRecord } from '../records.ts';
import type { Millis } from '../time/clock.ts';

/** A page of the records of a kind, in the order of their keys. */
export interface RecordPage {
  /** The key behind which the page begins; the first or last record of the kind if it is absent. */
  readonly from?: string;
  /** Largest key first. */
  readonly backwards?: boolean;
  /** How many records to leave out before the page begins. */
  readonly skip?: number;
  readonly limit: number;
}

/**
 * Records by kind and key. The store only keeps them: the engine decides what they say, once for every storage. Keys
 * are in the order of their characters; none is empty or has a NUL.
 */
export interface Records {
  get(keys: readonly RecordKey[]): readonly (StoredRecord | null)[];
  scan(kind: string, page: RecordPage): readonly StoredRecord[];
  /**
   * Applies the changes in order, in one commit; each is applied as a whole, and sees the earlier ones. A change with a
   * check takes effect once: a caller that lost its answer makes the same call again, or reads what is there.
   * @param now the time of the jobs and events of the changes.
   */
  commit(changes: readonly RecordChange[], now?: Millis): readonly CommitAnswer[];
}
