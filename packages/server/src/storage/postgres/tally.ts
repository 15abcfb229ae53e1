import type { JobId, State } from '@ojs-ts/core';
import type { Transaction } from './transaction.ts';

/** Where a job is counted. */
export interface Counted {
  readonly queue: string;
  readonly limits: readonly string[];
  /** With the priority, where it stands in its lane. */
  readonly id: JobId;
  readonly priority: number;
}

/** A job goes from one state to another; `from` is null for a new one, `to` for one that is removed. */
export function tally(tx: Transaction, job: Counted, from: State | null, to: State | null): void {
  if (from !== null) tx.counts.add(job.queue, from, -1);
  if (to !== null) tx.counts.add(job.queue, to, 1);
  if (job.limits.length > 0) tx.limits.change(job, from, to);
}
