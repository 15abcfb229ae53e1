import type { JobId } from '../job/job.ts';

/** Counts the rows of a job that runs, so that the next record need not read them. */
export interface Tally {
  readonly claim: number;
  /** False while a new outcome would forgive attempts or deaths. */
  readonly forgiven: boolean;
  /** Rows of the job, and bytes of their values. Other servers may have written more: bounds need not be exact. */
  readonly count: number;
  readonly bytes: number;
  /** The job is noted as one with steps to undo. */
  readonly noted?: true;
}

const maxTallies = 10_000;

/** The tallies of the jobs that were recorded or fetched last. */
export class Tallies {
  readonly #byJob = new Map<JobId, Tally>();

  get(id: JobId, claim: number): Tally | null {
    const tally = this.#byJob.get(id);
    return tally?.claim === claim ? tally : null;
  }

  set(id: JobId, tally: Tally): void {
    this.#byJob.delete(id);
    this.#byJob.set(id, tally);
    const oldest = this.#byJob.size > maxTallies ? this.#byJob.keys().next().value : undefined;
    if (oldest !== undefined) this.#byJob.delete(oldest);
  }

  forget(id: JobId): void {
    this.#byJob.delete(id);
  }
}
