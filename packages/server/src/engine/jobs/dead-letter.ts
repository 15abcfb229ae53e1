import type { Clock, Millis } from '@ojs-ts/core';
import type { Bulk, BulkResult, Targets } from '@ojs-ts/core/bulk';
import { type JobFilter, type JobId, type JobRecord, State } from '@ojs-ts/core/job';
import { type Answered, type Changed, type Lifecycle, notDead, type RerunOverride, run } from '@ojs-ts/core/lifecycle';
import { countDeadLetters, type DeadLetterStats, deadLettersByQueue } from '@ojs-ts/core/requests';
import type { Storage } from '../../storage/storage.ts';
import type { AllQueues } from '../queues/all-queues.ts';

/** Statistics are kept for a moment, because dashboards ask often. */
const freshMs = 5_000;

/** Discarded jobs that wait for an operator, because their policy or their handler says so (ojs-dead-letter). */
export class DeadLetter {
  readonly #storage: Storage;
  readonly #queues: AllQueues;
  readonly #clock: Clock;
  readonly #lifecycle: Lifecycle;
  readonly #bulk: Bulk;
  #stats: { readonly at: Millis; readonly stats: Promise<DeadLetterStats> } | null = null;

  constructor(storage: Storage, queues: AllQueues, clock: Clock, lifecycle: Lifecycle, bulk: Bulk) {
    this.#storage = storage;
    this.#queues = queues;
    this.#clock = clock;
    this.#lifecycle = lifecycle;
    this.#bulk = bulk;
  }

  /** The store was emptied. */
  forget(): void {
    this.#stats = null;
  }

  /** Stored counts, by queue. */
  async counts(): Promise<ReadonlyMap<string, number>> {
    return new Map(Object.entries(deadLettersByQueue(await this.#queues.queues())));
  }

  /** Throws `not_found` for a job that is not in the dead letter. */
  async get(id: JobId): Promise<JobRecord> {
    const [job] = await this.#storage.jobs.get([id]);
    if (job?.deadLetter) return job;
    throw notDead(id);
  }

  retry(id: JobId, override: RerunOverride, key: string | null): Answered<Changed> {
    this.#stats = null;
    return this.#lifecycle.retry(id, key, override);
  }

  /** Deletes the job. Throws `not_found`. */
  async remove(id: JobId): Promise<void> {
    this.#stats = null;
    const [removed] = await this.#storage.jobs.remove(
      [id],
      { from: State.discarded, deadLetter: true },
      this.#clock.now(),
    );
    if (!removed) throw notDead(id);
  }

  /** Retries those that match, or the listed ones; at most {@link Bulk.max} of them. */
  retryMany(targets: Targets, key: string | null): Answered<BulkResult> {
    this.#stats = null;
    return this.#bulk.each(targets, (id) => this.#lifecycle.retry(id, key));
  }

  /** Removes those that match. */
  purge(filter: JobFilter): Answered<BulkResult> {
    this.#stats = null;
    return this.#bulk.remove({ filter }, { from: State.discarded, deadLetter: true });
  }

  stats(): Promise<DeadLetterStats> {
    const now = this.#clock.now();
    if (this.#stats === null || Math.abs(now - this.#stats.at) >= freshMs) {
      const stats = this.#count();
      this.#stats = { at: now, stats };
      stats.catch(() => {
        this.#stats = null;
      });
    }
    return this.#stats.stats;
  }

  async #count(): Promise<DeadLetterStats> {
    return run(countDeadLetters(this.#storage, await this.#queues.queues()));
  }
}
