import type { Clock, Millis } from '@ojs-ts/core';
import { type JobId, type JobRecord, State } from '@ojs-ts/core/job';
import { aloneMs, isSuspect } from '@ojs-ts/core/lifecycle';
import type { Storage } from '../../storage/storage.ts';

interface Trial {
  readonly id: JobId;
  readonly claim: number;
  readonly until: Millis;
}

/** The most workers with a suspect that a node remembers. */
const maxTrials = 10_000;

/**
 * A job whose worker died in its last execution is a suspect: it runs alone, so that another death proves something.
 * Its worker gets it in an answer of its own, and no further job while it runs, for as long as `aloneMs` says. If the
 * worker also asks another node, the facts that this node lacks cost only time: a death beside other jobs is counted
 * against none of them.
 */
export class Suspects {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #giveBack: (jobs: readonly JobRecord[]) => Promise<void>;
  readonly #trials = new Map<string, Trial>();

  constructor(storage: Storage, clock: Clock, giveBack: (jobs: readonly JobRecord[]) => Promise<void>) {
    this.#storage = storage;
    this.#clock = clock;
    this.#giveBack = giveBack;
  }

  /** Reports whether the worker must get no job now. */
  async holds(worker: string): Promise<boolean> {
    const trial = this.#trials.get(worker);
    if (trial === undefined) return false;
    const job = this.#clock.now() < trial.until ? (await this.#storage.jobs.get([trial.id]))[0] : null;
    if (job?.state === State.active && job.claim === trial.claim && job.worker === worker) return true;
    this.#trials.delete(worker);
    return false;
  }

  /**
   * Returns only the first suspect of the jobs of an answer; the others go back, uncounted. Without a suspect all of
   * them.
   */
  async apart(worker: string | null, jobs: readonly JobRecord[]): Promise<readonly JobRecord[]> {
    const suspect = worker === null ? undefined : jobs.find(isSuspect);
    if (worker === null || suspect === undefined) return jobs;
    const { id, claim } = suspect;
    this.#trials.set(worker, { id, claim, until: this.#clock.now() + aloneMs(suspect) });
    const oldest = this.#trials.size > maxTrials ? this.#trials.keys().next().value : undefined;
    if (oldest !== undefined) this.#trials.delete(oldest);
    await this.#giveBack(jobs.filter((job) => job !== suspect));
    return [suspect];
  }

  /** The store was emptied. */
  forget(): void {
    this.#trials.clear();
  }
}
