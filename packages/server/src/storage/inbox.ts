import type { Inserted, InsertOptions, JobId, Json, Millis, NewJob, NodeRef, Transition } from '@ojs-ts/core';

/**
 * A request of a user's own transaction, in the shape of ojs-http-binding §7.1, that was committed and not taken in
 * yet.
 */
export interface InboxEntry {
  /** In the order of the statements of one transaction. */
  readonly number: number;
  readonly id: JobId;
  readonly request: Json;
}

/**
 * A page of requests ends where they reach so many bytes: 500 of a megabyte each would take the memory of a small
 * process.
 */
export const inboxBytes = 16 * 1_048_576;

/**
 * Where users' own transactions leave what they enqueue and complete: they append a row, lock nothing that others need,
 * and any node takes the row in after their commit by the rules that hold for every other call. A row goes in the
 * commit that takes it in, so two nodes never do it twice.
 */
export interface Inbox {
  /** Oldest first, at most `limit`; fewer where they reach {@link inboxBytes}. */
  read(limit: number): Promise<readonly InboxEntry[]>;
  /** Of each job whether anything of it waits to be taken in: its request, or its completion. */
  holds(ids: readonly JobId[]): Promise<readonly boolean[]>;
  /**
   * Inserts each job as a group of its own, in order. The entry goes where the job is there afterwards; null where it
   * has gone before.
   */
  take(
    intakes: readonly { readonly entry: number; readonly job: NewJob }[],
    now: Millis,
    options?: InsertOptions,
  ): Promise<readonly (Inserted | null)[]>;
  /**
   * In place of a request that was refused: the job, which nothing but its id can refuse, and its end in the same
   * commit.
   */
  refuse(
    refusals: readonly { readonly entry: number; readonly job: NewJob; readonly end: Transition }[],
    now: Millis,
  ): Promise<readonly (Inserted | null)[]>;
  /**
   * Applies up to `limit` completions as ACKs of their claims; {@link Jobs.transition} applies those of its own jobs
   * first.
   */
  complete(limit: number, now: Millis): Promise<{ readonly count: number; readonly ready: readonly NodeRef[] }>;
  /** Rows that wait to be taken in. */
  depth(): Promise<number>;
}
