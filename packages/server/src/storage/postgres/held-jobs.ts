import { type EventSubject, extended, type JobId, type Millis, overdueAt, State } from '@ojs-ts/core';
import type { WorkerBeat } from '../storage.ts';
import { numbers } from './arrays.ts';
import { type Held, idsText, lockJobs } from './held.ts';
import type { Transaction } from './transaction.ts';

/** Jobs that heartbeats name, locked, and the extensions of their leases. */
export class HeldJobs {
  readonly #tx: Transaction;
  readonly #jobs: Map<JobId, Held>;
  readonly #extended = new Set<Held>();

  private constructor(tx: Transaction, jobs: Map<JobId, Held>) {
    this.#tx = tx;
    this.#jobs = jobs;
  }

  static async lock(tx: Transaction, beats: readonly WorkerBeat[]): Promise<HeldJobs> {
    const ids = new Set(beats.flatMap(({ holds }) => holds?.map(({ id }) => id) ?? []));
    return new HeldJobs(tx, ids.size === 0 ? new Map() : await lockJobs(tx, [...ids]));
  }

  /** Null where the job is not this worker's. */
  extend(
    { id, claim }: NonNullable<WorkerBeat['holds']>[number],
    worker: string,
    leaseMs: number | null,
    now: Millis,
  ): (EventSubject & { readonly leaseUntil: Millis }) | null {
    const held = this.#jobs.get(id);
    if (held?.job.state !== State.active) return null;
    const { job } = held;
    if ((job.worker ?? worker) !== worker || (claim ?? job.claim) !== job.claim) return null;
    const leaseUntil = extended(job, leaseMs, now);
    held.job = { ...job, leaseUntil, beatAt: now };
    this.#extended.add(held);
    return { ...held.job, worker, leaseUntil };
  }

  write(): void {
    const jobs = [...this.#extended].map(({ job }) => job);
    if (jobs.length === 0) return;
    this.#tx.write(
      `UPDATE ojs.jobs AS job SET lease_until = changed.lease_until, due_at = changed.due_at, beat_at = changed.beat_at
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS changed (id, lease_until, due_at, beat_at) WHERE job.id = changed.id`,
      [
        idsText(jobs.map(({ id }) => id)),
        numbers(jobs.map(({ leaseUntil }) => leaseUntil)),
        numbers(jobs.map(overdueAt)),
        numbers(jobs.map(({ beatAt }) => beatAt)),
      ],
    );
  }
}
