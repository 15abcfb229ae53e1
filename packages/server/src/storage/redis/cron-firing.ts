import type { Crons, Firing } from '../storage.ts';
import type { Packed } from './packed.ts';
import { listOf, packJob, packTransition, readInserted } from './rows.ts';

/** A firing as the operation `cron_fire` takes it. */
export function packFiring({ name, version, dueAt, job, cancels, events }: Firing): Packed {
  const due = dueAt === null ? '' : String(dueAt);
  return {
    name,
    version,
    due,
    job: job === null ? undefined : packJob(job),
    cancels: cancels.map(packTransition),
    events,
  };
}

export function readFired(packed: Packed | undefined): Awaited<ReturnType<Crons['fire']>>[number] {
  if (packed === false) return null;
  const [inserted] = listOf(packed);
  return { inserted: inserted === undefined ? null : readInserted(inserted) };
}
