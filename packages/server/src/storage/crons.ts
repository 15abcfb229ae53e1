import type { JobId, JobRecord, Json, Millis, NewJob, Transition } from '@ojs-ts/core';
import type { Inserted } from './storage.ts';

export interface CronRecord {
  readonly name: string;
  /** JSON text of the definition; core reads it. */
  readonly spec: Json;
  readonly enabled: boolean;
  /** The next firing; null where there is none. */
  readonly dueAt: Millis | null;
  readonly runCount: number;
  readonly lastRunAt: Millis | null;
  readonly lastJob: JobId | null;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  /** +1 on every change: what a firing compares. */
  readonly version: number;
}

export interface Firing {
  readonly name: string;
  /** The version that the decision was made from. */
  readonly version: number;
  readonly dueAt: Millis | null;
  /** Null skips the run. */
  readonly job: NewJob | null;
  /** Earlier runs whose end belongs to this firing. */
  readonly cancels: readonly Transition[];
  /** Written where the job was inserted, and where there is none. */
  readonly events: readonly Json[];
}

export interface Crons {
  list(): Promise<readonly CronRecord[]>;
  get(name: string): Promise<CronRecord | null>;
  /**
   * Creates or updates (CRON-26); an update keeps creation and runs. With `expected` it updates only where that is the version on record, and answers
   * null where it is not.
   */
  put(
    cron: Pick<CronRecord, 'name' | 'spec' | 'enabled' | 'dueAt'>,
    now: Millis,
    expected?: number,
  ): Promise<{ readonly created: boolean; readonly cron: CronRecord } | null>;
  remove(name: string): Promise<CronRecord | null>;
  due(now: Millis, limit: number): Promise<readonly CronRecord[]>;
  /** Per name the unfinished jobs that name it as their `cron`, oldest first, at most `limit` each; whether there is such a cron or not. */
  unfinished(names: readonly string[], limit: number): Promise<readonly (readonly JobRecord[])[]>;
  /**
   * One commit a firing: where the version is still the one seen, cancels, inserts and moves `dueAt`, and counts the run where a job was inserted.
   * Answers null where it was not: another server fired. Queue bounds and pauses do not refuse the job.
   */
  fire(firings: readonly Firing[], now: Millis): Promise<readonly ({ readonly inserted: Inserted | null } | null)[]>;
}
