/**
 * Reports of workers about a running job: progress (ojs-progress) and checkpoints (ojs-durable-execution). Both are
 * heartbeats of the job. Each throws `not_found`.
 */
import {
  checkpointCleared,
  checkpointed,
  checkpointOf,
  type SentCheckpoint,
  withCheckpoint,
} from '../job/checkpoint.ts';
import type { JobId, JobRecord, Transition } from '../job/job.ts';
import { type ProgressReport, progressed, type Reporter } from '../job/progress.ts';
import { change, type JobStore } from '../job-store.ts';
import type { Steps } from '../steps.ts';
import type { Clock } from '../time/clock.ts';

/**
 * The job after the report; `taken` is false if the execution no longer belongs to the reporter. `sequence` is that of
 * the report's checkpoint.
 */
export interface Reported {
  readonly job: JobRecord;
  readonly taken: boolean;
  readonly sequence: number | null;
}

export function* reportProgress(
  store: JobStore,
  clock: Clock,
  id: JobId,
  report: ProgressReport,
  reporter: Reporter,
): Steps<Reported> {
  const { job, done } = yield* changeTexts(store, id, (record) => {
    const now = clock.now();
    const transition = progressed(record, report, reporter, now);
    return transition === null || report.checkpoint === null
      ? transition
      : withCheckpoint(transition, record, report.checkpoint, now);
  });
  const sequence = done && report.checkpoint !== null ? (checkpointOf(job)?.sequence ?? null) : null;
  return { job, taken: done, sequence };
}

/**
 * The job with its new checkpoint, or the later one that it has. Throws `conflict` if the job is not active or not the
 * reporter's.
 */
export function* saveCheckpoint(
  store: JobStore,
  clock: Clock,
  id: JobId,
  sent: SentCheckpoint,
  reporter: Reporter,
): Steps<JobRecord> {
  return (yield* changeTexts(store, id, (record) => checkpointed(record, sent, reporter, clock.now()))).job;
}

/** Deletes the checkpoint, if there is one. Throws `conflict` if an active job is not the reporter's. */
export function* clearCheckpoint(store: JobStore, id: JobId, reporter: Reporter): Steps<void> {
  yield* changeTexts(store, id, (record) => checkpointCleared(record, reporter));
}

function* changeTexts(
  store: JobStore,
  id: JobId,
  decide: (job: JobRecord) => Transition | null,
): Steps<{ readonly job: JobRecord; readonly done: boolean }> {
  const { job, done } = yield* change(store, id, decide);
  if (done === null) return { job, done: false };
  const { progress = job.progress, checkpoint = job.checkpoint } = done.transition;
  return { job: { ...job, progress, checkpoint }, done: true };
}
