import type { Millis } from '@ojs-ts/core';
import type { JobId, Json, NewJob, NodeRef, Transition } from '@ojs-ts/core/job';
import type { Inserted, InsertOptions } from '@ojs-ts/core/lifecycle';

/**
 * A committed enqueue request of a user's own transaction, in the shape of ojs-http-binding §7.1, that no node has
 * imported yet.
 */
export interface InboxEntry {
  /** In the order of the statements of one transaction. */
  readonly number: number;
  readonly id: JobId;
  readonly request: Json;
}

/**
 * A page of requests ends at this many bytes: 500 requests of a megabyte each would fill the memory of a small process.
 */
export const inboxBytes = 16 * 1_048_576;

/**
 * The rows in which users' own transactions leave enqueue requests and completions. A transaction only appends a row
 * and locks nothing that others need. After its commit any node imports the row by the rules of every other call. The
 * import removes the row in its own commit, so two nodes never import it twice.
 */
export interface Inbox {
  /** Oldest first, at most `limit`; fewer if they reach {@link inboxBytes}. */
  read(limit: number): Promise<readonly InboxEntry[]>;
  /** Reports for each job whether a request or a completion waits for its import. */
  holds(ids: readonly JobId[]): Promise<readonly boolean[]>;
  /**
   * Inserts each job as a group of its own, in order, and removes the entry of each job that exists then. Null for an
   * entry that was gone already.
   */
  take(
    items: readonly { readonly entry: number; readonly job: NewJob }[],
    now: Millis,
    options?: InsertOptions,
  ): Promise<readonly (Inserted | null)[]>;
  /** In place of a refused request: inserts the job, checking only its id, and ends it in the same commit. */
  refuse(
    refusals: readonly { readonly entry: number; readonly job: NewJob; readonly end: Transition }[],
    now: Millis,
  ): Promise<readonly (Inserted | null)[]>;
  /**
   * Applies up to `limit` completions as ACKs of their claims. {@link Jobs.transition} first applies those of its own
   * jobs.
   */
  complete(limit: number, now: Millis): Promise<{ readonly count: number; readonly ready: readonly NodeRef[] }>;
  /** Rows that wait for their import. */
  depth(): Promise<number>;
}
