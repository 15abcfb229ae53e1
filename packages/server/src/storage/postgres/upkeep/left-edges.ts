import type { Millis } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';

/** The indexes by time, in the order of the values of {@link LeftEdges}. */
export type Edges = readonly [
  scheduled: Millis,
  retryable: Millis,
  active: Millis,
  dueExpiry: Millis,
  readyExpiry: Millis,
];

/** A look reads an index from its beginning at least this often, in milliseconds. */
const wholeEveryMs = 10_000;
/**
 * A job that is written later has a time at most this long before the time of the last look: the clocks of servers
 * differ a little, and a transaction takes its time. In milliseconds.
 */
const slackMs = 5_000;
const lowest = -Number.MAX_SAFE_INTEGER;
const nowhere: Edges = [lowest, lowest, lowest, lowest, lowest];

/**
 * Remembers where looks for due and overdue jobs begin. A job that has moved on leaves a dead entry in the index of its
 * time. A vacuum removes it, but not while an older snapshot is open, and until then each look from the beginning walks
 * all of them: 37 ms after seven minutes. So a look begins at the first job that the last one saw, or at `slackMs`
 * before its time if that is earlier. A job may still come with an earlier time: from a server whose clock is wrong, or
 * with a deadline that has passed. The next look from the beginning finds it, within `wholeEveryMs`.
 */
export class LeftEdges {
  #edges = nowhere;
  /** The latest time that a caller has named. */
  #now: Millis = lowest;
  /** By `performance.now()`. */
  #wholeAt = Number.NEGATIVE_INFINITY;

  /** Returns the beginning of a look at this time. */
  at(now: Millis): Edges {
    // The clock was set back, and new jobs have times from before the edges.
    if (now < this.#now - slackMs / 2) this.#forget();
    this.#now = Math.max(this.#now, now);
    // If no call looks from the beginning any more, the edges may be wrong.
    return performance.now() - this.#wholeAt < 2 * wholeEveryMs ? this.#edges : nowhere;
  }

  /** Reads the first time of each index from an edge on, and moves the edges there. */
  async look(read: (from: Edges) => Promise<readonly (Millis | null)[]>): Promise<readonly (Millis | null)[]> {
    const [now, at] = [this.#now, performance.now()];
    const isWhole = at - this.#wholeAt >= wholeEveryMs;
    const first = await read(isWhole ? nowhere : this.#edges);
    // The clock was set back during the read.
    if (this.#now < now) return first;
    if (isWhole) this.#wholeAt = at;
    const edge = (index: number) => Math.min(first[index] ?? Number.POSITIVE_INFINITY, now - slackMs);
    this.#edges = now === lowest ? nowhere : [edge(0), edge(1), edge(2), edge(3), edge(4)];
    return first;
  }

  #forget(): void {
    this.#edges = nowhere;
    this.#now = lowest;
    this.#wholeAt = Number.NEGATIVE_INFINITY;
  }
}

/** The condition that jobs are due, from the edges on. */
export function existsDue(now: string, scheduled: string, retryable: string): string {
  const exists = (state: State, edge: string) =>
    `EXISTS (SELECT FROM ojs.due WHERE state = ${state} AND run_at <= ${now} AND run_at >= ${edge}::bigint)`;
  return `(${exists(State.scheduled, scheduled)} OR ${exists(State.retryable, retryable)})`;
}
