import { pause } from '../../connection/pause.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { LeasedJobs } from '../leases/leased-jobs.ts';

/** A worker of this process, as the isolation sees it. */
export interface Isolated {
  readonly leasedJobs: LeasedJobs;
  /** Handlers that run. */
  readonly active: () => number;
  /** Gives prefetched jobs back. */
  returnWaiting(): void;
  /** Fetches again. */
  resume(): void;
}

/** A worker that is cut off from its server keeps its outcomes for as long as that takes. */
const outcomesMs = 1_000;

/**
 * A job whose worker died in its last execution is a suspect (`x_alone_ms` in its envelope): its process runs nothing
 * else, so that another death proves something. Until it ends, its workers fetch nothing, and jobs that they receive go
 * back.
 */
export class Isolation {
  readonly #workers = new Set<Isolated>();
  #suspect: LeasedJob | null = null;
  #over = new AbortController();

  get isClosed(): boolean {
    return this.#suspect !== null;
  }

  join(worker: Isolated): void {
    this.#workers.add(worker);
  }

  leave(worker: Isolated): void {
    this.#workers.delete(worker);
    if (this.#suspect !== null && worker.leasedJobs.has(this.#suspect)) this.#over.abort();
  }

  /**
   * Starts the suspect once no other job is held here. Long jobs delay it by `aloneMs`, or half of its timeout, at
   * most: then it starts beside them, because other jobs must not wait longer for it. Once all handlers have ended,
   * their outcomes delay it by a second at most.
   */
  async run(owner: Isolated, leased: LeasedJob, aloneMs: number, start: () => void): Promise<void> {
    this.#suspect = leased;
    this.#over = new AbortController();
    const { signal } = this.#over;
    const patience = pause(Math.min(aloneMs, (leased.deadline - leased.startedAt) / 2), signal);
    for (const worker of this.#workers) worker.returnWaiting();
    const isGone = () => leased.state !== 'waiting';
    const all = (is: (worker: Isolated) => boolean, end: Promise<void>) =>
      Promise.all([...this.#workers].map((worker) => worker.leasedJobs.until(() => isGone() || is(worker), end)));
    await all(({ active }) => active() === 0, patience);
    const isReported = ({ leasedJobs }: Isolated) => leasedJobs.size === (leasedJobs.has(leased) ? 1 : 0);
    await all(isReported, Promise.race([patience, pause(outcomesMs, signal)]));
    if (!isGone() && !signal.aborted) {
      start();
      await owner.leasedJobs.until(() => !owner.leasedJobs.has(leased), pause(aloneMs, signal));
    }
    this.#over.abort();
    this.#suspect = null;
    for (const worker of this.#workers) worker.resume();
  }
}

const ofProcess = new Isolation();

/** Workers with a transport of their own are no part of the process: a simulation has many of those. */
export function isolationFor(isHttp: boolean): Isolation {
  return isHttp ? ofProcess : new Isolation();
}
