import { type Clock, latestOf, type Millis } from '@ojs-ts/core';
import { hasSteps } from '@ojs-ts/core/durable';
import type { JobRecord } from '@ojs-ts/core/job';
import { handedBack } from '@ojs-ts/core/lifecycle';
import type { Batches } from '../batches.ts';
import type { EngineLog } from '../options.ts';

/** A warning is repeated for a type of jobs after this time. */
const everyMs: Millis = 60_000;
const maxTypes = 1_000;

/** Keeps jobs with recorded steps from workers without durable steps, which would run every step again. */
export class OlderWorkers {
  readonly #batches: Batches;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #warned = new Map<string, Millis>();

  constructor(batches: Batches, clock: Clock, log: EngineLog) {
    this.#batches = batches;
    this.#clock = clock;
    this.#log = log;
  }

  /** The claimed jobs that such a worker may run. The others go back uncounted and wait for another worker. */
  async spared(worker: string | null, jobs: readonly JobRecord[]): Promise<readonly JobRecord[]> {
    const marked = jobs.filter(hasSteps);
    if (marked.length === 0) return jobs;
    await Promise.all(marked.map((job) => this.#batches.transition(handedBack(job, latestOf(this.#clock)))));
    for (const job of marked) this.#warn(worker, job);
    return jobs.filter((job) => !hasSteps(job));
  }

  #warn(worker: string | null, { id, type, queue }: JobRecord): void {
    const now = this.#clock.now();
    if (now - (this.#warned.get(type) ?? Number.NEGATIVE_INFINITY) < everyMs) return;
    if (this.#warned.size >= maxTypes) this.#warned.clear();
    this.#warned.set(type, now);
    const fields = { worker_id: worker, job_id: id, job_type: type, queue };
    this.#log.warn(fields, 'Job with durable steps handed back: the worker has none. Update its SDK');
  }
}
