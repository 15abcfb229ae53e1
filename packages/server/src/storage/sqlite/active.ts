import type { EventSubject, JobRecord } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import { integer, type Ties } from './row.ts';

/** What is read of every job that is to be changed: what its guard compares and its events tell. */
export type Guarded = EventSubject & Pick<JobRecord, 'claim' | 'enqueuedAt'> & Ties & { readonly number: number };

/** About 5 MB. A process that holds more reads the rest. */
const most = 10_000;

/**
 * Jobs that this process has started and not changed since, as the file has them: their ACK needs no look at them, which is a third of its time. They are
 * known until another connection commits, which SQLite's `data_version` tells.
 */
export class ActiveJobs {
  readonly #sql: Connection;
  readonly #jobs = new Map<string, Guarded>();
  #version = 0;

  constructor(sql: Connection) {
    this.#sql = sql;
  }

  /** Call within a transaction that writes, before the first use. */
  refresh(): void {
    const version = integer(this.#sql.get('PRAGMA data_version')?.[0]);
    if (version !== this.#version) this.#jobs.clear();
    this.#version = version;
  }

  add(job: Guarded): void {
    if (this.#jobs.size < most) this.#jobs.set(job.id, job);
  }

  find(id: string): Guarded | undefined {
    return this.#jobs.get(id);
  }

  /** To be called with every change of a job. */
  forget(id: string): void {
    this.#jobs.delete(id);
  }

  /** What was written is undone. */
  clear(): void {
    this.#jobs.clear();
  }
}
