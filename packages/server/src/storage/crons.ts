import type { CronRecord, Firing, Inserted, JobRecord, Millis } from '@ojs-ts/core';

export type { CronRecord, Firing } from '@ojs-ts/core';

export interface Crons {
  list(): Promise<readonly CronRecord[]>;
  get(name: string): Promise<CronRecord | null>;
  /**
   * Creates or updates (CRON-26); an update keeps creation and runs. With `expected` it updates only where that is the
   * version on record, and answers null where it is not.
   */
  put(
    cron: Pick<CronRecord, 'name' | 'spec' | 'enabled' | 'dueAt'>,
    now: Millis,
    expected?: number,
  ): Promise<{ readonly created: boolean; readonly cron: CronRecord } | null>;
  remove(name: string): Promise<CronRecord | null>;
  due(now: Millis, limit: number): Promise<readonly CronRecord[]>;
  /**
   * Per name the unfinished jobs that name it as their `cron`, oldest first, at most `limit` each; whether there is
   * such a cron or not.
   */
  unfinished(names: readonly string[], limit: number): Promise<readonly (readonly JobRecord[])[]>;
  /**
   * One commit a firing: where the version is still the one seen, cancels, inserts and moves `dueAt`, and counts the
   * run where a job was inserted. Answers null where it was not: another server fired. Queue bounds and pauses do not
   * refuse the job.
   */
  fire(firings: readonly Firing[], now: Millis): Promise<readonly ({ readonly inserted: Inserted | null } | null)[]>;
}
