import {
  type Answered,
  type Bulk,
  type BulkResult,
  type Changed,
  type Clock,
  deadLetters,
  errorNames,
  type JobFilter,
  type JobId,
  type JobRecord,
  type Lifecycle,
  type Millis,
  notDead,
  type RerunOverride,
  type Selection,
  State,
  select,
  type Targets,
} from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';
import type { AllQueues } from '../queues/all-queues.ts';

export interface DeadLetterStats {
  readonly total: number;
  readonly byQueue: Readonly<Record<string, number>>;
  /** By the type of the last error, over the newest `counted` jobs. */
  readonly byErrorType: Readonly<Record<string, number>>;
  readonly counted: number;
  readonly newestAt: Millis | null;
  readonly oldestAt: Millis | null;
}

/**
 * Statistics read this many of the newest jobs, the default of the retention, in pages. The result is kept for a
 * moment, because dashboards ask often.
 */
const countable = 10_000;
const page = 500;
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
    const queues = await this.#queues.queues();
    return new Map(queues.flatMap(({ name, deadLetter }) => (deadLetter > 0 ? [[name, deadLetter]] : [])));
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
    const byQueue = Object.fromEntries(await this.counts());
    const total = Object.values(byQueue).reduce((sum, count) => sum + count, 0);
    const byErrorType = new Map<string, number>();
    let counted = 0;
    let newestAt: Millis | null = null;
    let oldestAt: Millis | null = null;
    for (let after: string | null = null; counted < countable; ) {
      const { jobs, next }: Selection = await select(this.#storage, deadLetters, { after, limit: page });
      for (const job of jobs) {
        const [type = 'Unknown'] = errorNames(job);
        byErrorType.set(type, (byErrorType.get(type) ?? 0) + 1);
      }
      counted += jobs.length;
      newestAt ??= jobs[0]?.finishedAt ?? null;
      oldestAt = jobs.at(-1)?.finishedAt ?? oldestAt;
      after = next;
      if (after === null) break;
    }
    if (counted < total) oldestAt = (await this.#last(total)) ?? oldestAt;
    return { total, byQueue, byErrorType: Object.fromEntries(byErrorType), counted, newestAt, oldestAt };
  }

  async #last(total: number): Promise<Millis | null> {
    const { jobs } = await select(this.#storage, deadLetters, { offset: total - 1, limit: 1 });
    return jobs[0]?.finishedAt ?? null;
  }
}
