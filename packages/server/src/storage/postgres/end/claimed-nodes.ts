import type { JobId } from '@ojs-ts/core/job';
import type { Claimed } from '../../storage.ts';

/** Jobs that are remembered: more than the workers of one process hold. */
const most = 10_000;

/**
 * Remembers which jobs that this process has claimed are nodes of workflows: a hint which statement their ack sends
 * first. Without it the ack of each node would first send the statement of plain jobs, in vain.
 */
export class ClaimedNodes {
  readonly #ids = new Set<JobId>();

  add(claims: readonly Claimed[]): void {
    for (const { jobs } of claims) for (const { id, node } of jobs) if (node !== null) this.#ids.add(id);
    // The oldest come first.
    for (const id of this.#ids) {
      if (this.#ids.size <= most) break;
      this.#ids.delete(id);
    }
  }

  /** Forgets these jobs; returns whether one of them is known. */
  take(jobs: readonly { readonly id: JobId }[]): boolean {
    if (this.#ids.size === 0) return false;
    return jobs.filter(({ id }) => this.#ids.delete(id)).length > 0;
  }
}
