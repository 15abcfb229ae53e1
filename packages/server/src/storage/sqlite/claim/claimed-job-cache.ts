import type { EventSubject, JobRecord } from '@ojs-ts/core';
import type { Connection } from '../disk/connection.ts';
import { integer, type Ties } from '../row.ts';

/** What is read of every job that is to be changed: what its guard compares and its events tell. */
export type Guarded = EventSubject & Pick<JobRecord, 'claim' | 'enqueuedAt'> & Ties & { readonly number: number };

/** About 5 MB. A process that holds more reads the rest. */
const most = 10_000;

/**
 * Jobs that this process has started and not changed since, as the file has them: their ACK needs no look at them, which is a third of its time. They are
 * known until another connection commits, which SQLite's `data_version` tells.
 */
export class ClaimedJobCache {
  readonly #sql: Connection;
  /** Where each stands. The jobs are no values of the map: what has stood in a map that is written all the time outlives many collections of garbage in V8. */
  readonly #places = new Map<string, number>();
  readonly #jobs: (Guarded | undefined)[] = [];
  readonly #free: number[] = [];
  #version = 0;

  constructor(sql: Connection) {
    this.#sql = sql;
  }

  /** Call within a transaction that writes, before the first use. */
  refresh(): void {
    const version = integer(this.#sql.get('PRAGMA data_version')?.[0]);
    if (version !== this.#version) this.clear();
    this.#version = version;
  }

  add(job: Guarded): void {
    if (this.#places.size === most) return;
    this.forget(job.id);
    const place = this.#free.pop() ?? this.#jobs.length;
    this.#jobs[place] = job;
    this.#places.set(job.id, place);
  }

  find(id: string): Guarded | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#jobs[place];
  }

  /** To be called with every change of a job. */
  forget(id: string): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    this.#jobs[place] = undefined;
    this.#free.push(place);
  }

  /** What was written is undone. */
  clear(): void {
    this.#places.clear();
    this.#jobs.length = 0;
    this.#free.length = 0;
  }
}
