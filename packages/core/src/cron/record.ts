/** The effect of a registration and of a firing on a cron's record. */
import type { Inserted } from '../admission.ts';
import type { JobId, Json, NewJob, Transition } from '../job/job.ts';
import type { Millis } from '../time/clock.ts';

export interface CronRecord {
  readonly name: string;
  /** JSON text of the definition; `definitionOf` reads it. */
  readonly spec: Json;
  readonly enabled: boolean;
  /** The next firing; null if there is none. */
  readonly dueAt: Millis | null;
  readonly runCount: number;
  readonly lastRunAt: Millis | null;
  readonly lastJob: JobId | null;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  /** A firing compares it. Begins at the time of creation; +1 on every change. */
  readonly version: number;
}

export interface Firing {
  readonly name: string;
  /** The version on which the decision is based. */
  readonly version: number;
  readonly dueAt: Millis | null;
  /** Null skips the run. */
  readonly job: NewJob | null;
  /** Earlier runs that this firing cancels. */
  readonly cancels: readonly Transition[];
  /** Written if the job was inserted, and for a firing without a job. */
  readonly events: readonly Json[];
}

/** An update keeps the creation and the count of runs. */
export function putCron(
  current: CronRecord | null,
  { name, spec, enabled, dueAt }: Pick<CronRecord, 'name' | 'spec' | 'enabled' | 'dueAt'>,
  now: Millis,
): CronRecord {
  return {
    name,
    spec,
    enabled,
    dueAt,
    runCount: current?.runCount ?? 0,
    lastRunAt: current?.lastRunAt ?? null,
    lastJob: current?.lastJob ?? null,
    createdAt: current?.createdAt ?? now,
    updatedAt: now,
    // Not from 1: a late firing of a cron that was removed would fit the one that took its name.
    version: current === null ? now : current.version + 1,
  };
}

/** A run counts if its job was inserted. */
export function fired(
  cron: CronRecord,
  { dueAt, job }: Pick<Firing, 'dueAt' | 'job'>,
  inserted: Inserted | null,
  now: Millis,
): CronRecord {
  const moved = { ...cron, dueAt, version: cron.version + 1 };
  if (job === null || inserted?.kind !== 'inserted') return moved;
  return { ...moved, runCount: cron.runCount + 1, lastRunAt: now, lastJob: job.id };
}
