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
import { type Answered, run, type Steps } from '../steps.ts';
import type { Clock } from '../time/clock.ts';

/**
 * The job after a report; `taken` is false if the execution no longer belongs to the reporter. `sequence` is that of
 * the report's checkpoint.
 */
interface Reported {
  readonly job: JobRecord;
  readonly taken: boolean;
  readonly sequence: number | null;
}

/** Runs the work on a job after all earlier work on it. */
type InTurn = <T>(id: JobId, work: () => Answered<T>) => Answered<T>;

/**
 * Reports of workers about a running job: progress (ojs-progress) and checkpoints (ojs-durable-execution). Both are
 * heartbeats of the job. Each throws `not_found`. Each report is decided from the result of the one before it, or
 * numbers could fall and sequences repeat.
 */
export class Reports {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #inTurn: InTurn;

  constructor(store: JobStore, clock: Clock, inTurn: InTurn = (_, work) => work()) {
    this.#store = store;
    this.#clock = clock;
    this.#inTurn = inTurn;
  }

  progress(id: JobId, report: ProgressReport, reporter: Reporter): Answered<Reported> {
    return this.#inTurn(id, () => run(this.#progress(id, report, reporter)));
  }

  *#progress(id: JobId, report: ProgressReport, reporter: Reporter): Steps<Reported> {
    const { job, taken } = yield* this.#change(id, (record) => {
      const now = this.#clock.now();
      const transition = progressed(record, report, reporter, now);
      return transition === null || report.checkpoint === null
        ? transition
        : withCheckpoint(transition, record, report.checkpoint, now);
    });
    const sequence = taken && report.checkpoint !== null ? (checkpointOf(job)?.sequence ?? null) : null;
    return { job, taken, sequence };
  }

  /**
   * The job with its new checkpoint, or the later one that it has. Throws `conflict` if the job is not active or not
   * the reporter's.
   */
  save(id: JobId, sent: SentCheckpoint, reporter: Reporter): Answered<{ readonly job: JobRecord }> {
    return this.#inTurn(id, () =>
      run(this.#change(id, (record) => checkpointed(record, sent, reporter, this.#clock.now()))),
    );
  }

  /** Deletes the checkpoint, if there is one. Throws `conflict` if an active job is not the reporter's. */
  clear(id: JobId, reporter: Reporter): Answered<unknown> {
    return this.#inTurn(id, () => run(this.#change(id, (record) => checkpointCleared(record, reporter))));
  }

  *#change(
    id: JobId,
    decide: (job: JobRecord) => Transition | null,
  ): Steps<{ readonly job: JobRecord; readonly taken: boolean }> {
    const { job, done } = yield* change(this.#store, id, decide);
    if (done === null) return { job, taken: false };
    const { progress = job.progress, checkpoint = job.checkpoint } = done.transition;
    return { job: { ...job, progress, checkpoint }, taken: true };
  }
}
