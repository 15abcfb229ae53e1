import { SlabMap } from '@ojs-ts/core';
import type { EventSubject } from '@ojs-ts/core/events';
import type { JobRecord } from '@ojs-ts/core/job';
import { integer } from '../../cells.ts';
import type { Connection } from '../disk/connection.ts';
import type { Ties } from '../row.ts';

/** The fields that every change of a job reads: those that its guard compares and its events have. */
export type Guarded = EventSubject &
  Pick<JobRecord, 'claim' | 'leaseRequired' | 'enqueuedAt'> &
  Ties & { readonly number: number };

/** About 5 MB. Further jobs are read from the file. */
const maxJobs = 10_000;

/**
 * Jobs that this process has claimed and not changed since, as the file has them: their ACK does not read them, which
 * saves a third of its time. A commit of another connection empties the cache; SQLite's `data_version` reports such a
 * commit.
 */
export class ClaimedJobCache {
  readonly #sql: Connection;
  readonly #jobs = new SlabMap<Guarded>();
  #version = 0;

  constructor(sql: Connection) {
    this.#sql = sql;
  }

  /** Call within a transaction that writes, before the first use. */
  refresh(): void {
    const version = integer(this.#sql.value('PRAGMA data_version'));
    if (version !== this.#version) this.clear();
    this.#version = version;
  }

  add(job: Guarded): void {
    if (this.#jobs.size < maxJobs) this.#jobs.set(job.id, job);
  }

  find(id: string): Guarded | undefined {
    return this.#jobs.get(id);
  }

  /** Call with every change of a job. */
  forget(id: string): void {
    this.#jobs.delete(id);
  }

  /** Call where changes were rolled back. */
  clear(): void {
    this.#jobs.clear();
  }
}
