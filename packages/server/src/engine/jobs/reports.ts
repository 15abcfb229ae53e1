import {
  type Clock,
  checkpointCleared,
  checkpointed,
  checkpointOf,
  type JobId,
  type JobRecord,
  type Json,
  type ProgressReport,
  ProtocolError,
  progressed,
  type Reporter,
  type Transition,
  withCheckpoint,
} from '@ojs-ts/core';
import type { Batches } from '../batches.ts';

/** A job moves at most this often between reading and writing before its reporter is told to try again. */
const rounds = 5;

/**
 * What workers tell of a job while they run it: progress (ojs-progress) and checkpoints (ojs-durable-execution). Both
 * are heartbeats of the job.
 */
export class Reports {
  readonly #batches: Batches;
  readonly #clock: Clock;
  /**
   * The last report of each job that is under way: the next is decided from what it wrote, or numbers could fall and
   * sequences repeat.
   */
  readonly #turns = new Map<JobId, Promise<unknown>>();

  constructor(batches: Batches, clock: Clock) {
    this.#batches = batches;
    this.#clock = clock;
  }

  /**
   * The job after the report; `taken` is false where the execution is not the reporter's any more. Throws `not_found`.
   */
  async progress(
    id: JobId,
    report: ProgressReport,
    reporter: Reporter,
  ): Promise<{ readonly job: JobRecord; readonly taken: boolean; readonly sequence: number | null }> {
    const { job, done } = await this.#change(id, (record, now) => {
      const transition = progressed(record, report, reporter, now);
      return transition === null || report.checkpoint === null
        ? transition
        : withCheckpoint(transition, record, report.checkpoint, now);
    });
    return {
      job,
      taken: done,
      sequence: done && report.checkpoint !== null ? (checkpointOf(job)?.sequence ?? null) : null,
    };
  }

  /**
   * The job with its new checkpoint. Throws `not_found`, and `conflict` where it is not active or not the reporter's.
   */
  async save(id: JobId, state: Json, reporter: Reporter): Promise<JobRecord> {
    return (await this.#change(id, (record, now) => checkpointed(record, state, reporter, now))).job;
  }

  /**
   * Forgets the checkpoint; a job without one is as good. Throws `not_found`, and `conflict` where an active job is not
   * the reporter's.
   */
  async clear(id: JobId, reporter: Reporter): Promise<void> {
    await this.#change(id, (record) => checkpointCleared(record, reporter));
  }

  #change(
    id: JobId,
    decide: (job: JobRecord, now: number) => Transition | null,
  ): Promise<{ readonly job: JobRecord; readonly done: boolean }> {
    return this.#inTurn(id, async () => {
      for (let round = 0; round < rounds; round++) {
        const job = await this.#batches.get(id);
        if (job === null) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
        const transition = decide(job, this.#clock.now());
        if (transition === null) return { job, done: false };
        const moved = await this.#batches.transition(transition);
        if (moved.kind !== 'moved') continue;
        const { progress = job.progress, checkpoint = job.checkpoint } = transition;
        return { job: { ...job, progress, checkpoint }, done: true };
      }
      throw new ProtocolError('backend_unavailable', 'The job is changing too quickly; nothing was changed.', {
        job_id: id,
      });
    });
  }

  async #inTurn<T>(id: JobId, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(work);
    const over = turn.catch(() => {});
    this.#turns.set(id, over);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(id) === over) this.#turns.delete(id);
    }
  }
}
