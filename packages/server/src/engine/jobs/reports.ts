import type { Clock } from '@ojs-ts/core';
import type { JobId, JobRecord, ProgressReport, Reporter, SentCheckpoint } from '@ojs-ts/core/job';
import { clearCheckpoint, type Reported, reportProgress, run, saveCheckpoint } from '@ojs-ts/core/lifecycle';
import type { Batches } from '../batches.ts';
import { KeyedMutex } from '../keyed-mutex.ts';

/**
 * Reports of workers about a running job: progress and checkpoints. Each report is decided from the result of the one
 * before it, or numbers could fall and sequences repeat.
 */
export class Reports {
  readonly #batches: Batches;
  readonly #clock: Clock;
  readonly #mutex = new KeyedMutex();

  constructor(batches: Batches, clock: Clock) {
    this.#batches = batches;
    this.#clock = clock;
  }

  progress(id: JobId, report: ProgressReport, reporter: Reporter): Promise<Reported> {
    return this.#mutex.run(id, () => run(reportProgress(this.#batches, this.#clock, id, report, reporter)));
  }

  save(id: JobId, sent: SentCheckpoint, reporter: Reporter): Promise<JobRecord> {
    return this.#mutex.run(id, () => run(saveCheckpoint(this.#batches, this.#clock, id, sent, reporter)));
  }

  clear(id: JobId, reporter: Reporter): Promise<void> {
    return this.#mutex.run(id, () => run(clearCheckpoint(this.#batches, id, reporter)));
  }
}
