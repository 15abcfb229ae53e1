import { type Limit, type NewJob, State } from '@ojs-ts/core/job';
import type { Storage } from '@ojs-ts/server';
import { newJob } from './new-job.ts';

/** The queue that claims read first. */
export const firstQueue = 'bench';

/** Jobs of one claim. */
export const claimSize = 10;

/** Batches of jobs between two looks of upkeep. */
const upkeepEvery = 4;

const worker = 'bench';
const hourMs = 3_600_000;

/** A storage with jobs, and its clock. */
export class Fixture {
  readonly storage: Storage;
  readonly #offsetMs: number;
  #made = 0;

  private constructor(storage: Storage, offsetMs: number) {
    this.storage = storage;
    this.#offsetMs = offsetMs;
  }

  /**
   * Brings the layout of the storage up to date.
   * @param aheadMs how far its clock is ahead of the storage's, in milliseconds; default 0.
   */
  static async open(storage: Storage, aheadMs = 0): Promise<Fixture> {
    await storage.migrate();
    return new Fixture(storage, (await storage.clock()) - Date.now() + aheadMs);
  }

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** Inserts jobs in batches as large, and as many at once, as the storage allows. */
  async insert(count: number, patchOf: (index: number) => Partial<NewJob> = () => ({})): Promise<void> {
    const { maxBatch, parallel } = this.storage.traits;
    let next = 0;
    const put = async () => {
      while (next < count) {
        const first = next;
        next = Math.min(count, next + maxBatch);
        const groups = Array.from({ length: next - first }, (_, index) => [this.#job(patchOf(first + index))]);
        const answers = await this.storage.jobs.insert(groups, this.now());
        const refused = answers.flat().find(({ kind }) => kind !== 'inserted');
        if (refused !== undefined) throw new Error(`a job was not inserted but ${refused.kind}`);
        // As a server does ten times a second: a storage adds up meanwhile what inserts have appended. A single batch is
        // part of somebody's load, whose upkeep is not ours.
        if (count > maxBatch && first % (upkeepEvery * maxBatch) === 0)
          await this.storage.upkeep.promote(this.now(), maxBatch);
      }
    };
    await Promise.all(Array.from({ length: Math.min(4, parallel) }, put));
  }

  /** Claims up to `limit` jobs; the lease outlasts the benchmark. */
  async claim(limit: number, queues: readonly string[] = [firstQueue]) {
    const claim = {
      request: null,
      queues,
      limit,
      worker,
      leaseMs: null,
      defaultLeaseMs: 24 * hourMs,
      leaseRequired: false,
    };
    const [claimed] = await this.storage.jobs.claim([claim], this.now());
    return claimed?.jobs ?? [];
  }

  /** Completes them as an ack would, but for the events. */
  async complete(jobs: readonly { readonly id: string; readonly claim: number }[]): Promise<void> {
    const transitions = jobs.map(({ id, claim }) => {
      return { id, claim, worker, from: State.active, to: State.completed, result: '{"sent":true}', events: [] };
    });
    const moved = await this.storage.jobs.transition(transitions, this.now());
    if (moved.some(({ kind }) => kind !== 'moved')) throw new Error('a job that was claimed could not be completed');
  }

  async remove(jobs: readonly { readonly id: string }[]): Promise<void> {
    const ids = jobs.map(({ id }) => id);
    await this.storage.jobs.remove(ids, { from: State.completed }, this.now());
  }

  /** Claims jobs of the front queue until `count` are active. */
  async activate(count: number): Promise<void> {
    for (let active = 0; active < count; ) {
      const jobs = await this.claim(Math.min(count - active, this.storage.traits.maxBatch));
      if (jobs.length === 0) throw new Error(`only ${active} of ${count} jobs could be claimed`);
      active += jobs.length;
    }
  }

  #job(patch: Partial<NewJob>): NewJob {
    return newJob(this.#made++, this.now(), { queue: firstQueue, ...patch });
  }
}

/** One at a time under the key. */
export function oneOf(key: string): Limit {
  return { key, concurrency: 1, rates: [] };
}
