import type { Inserted } from '../admission.ts';
import type { CronRecord, Firing } from '../cron/record.ts';
import type { JobRecord } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';

export interface Crons {
  list(): readonly CronRecord[];
  get(name: string): CronRecord | null;
  /**
   * Creates or updates (CRON-26); an update keeps creation and runs. With `expected`, updates only if that is the
   * current version, and returns null if not. 0 is the version of a cron that is not there.
   */
  put(
    cron: Pick<CronRecord, 'name' | 'spec' | 'enabled' | 'dueAt'>,
    now: Millis,
    expected?: number,
  ): { readonly created: boolean; readonly cron: CronRecord } | null;
  remove(name: string): CronRecord | null;
  due(now: Millis, limit: number): readonly CronRecord[];
  /**
   * Per name the unfinished jobs with that name as their `cron`, oldest first, at most `limit` each, even if the cron
   * does not exist.
   */
  unfinished(names: readonly string[], limit: number): readonly (readonly JobRecord[])[];
  /**
   * One commit a firing: if the version is still the expected one, cancels, inserts and moves `dueAt`, and counts the
   * run if a job was inserted. Null if the version has changed: another server fired. Bounds and pauses of queues do
   * not refuse the job.
   */
  fire(firings: readonly Firing[], now: Millis): readonly ({ readonly inserted: Inserted | null } | null)[];
}
