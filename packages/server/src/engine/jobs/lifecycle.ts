import {
  activated,
  type Clock,
  cancelled,
  conflict,
  discarded,
  historyOf,
  type JobId,
  type JobRecord,
  ProtocolError,
  type RerunOverride,
  rerun,
  retriedWith,
  type State,
  type StateMask,
  type Transition,
} from '@ojs-ts/core';
import type { Batches } from '../batches.ts';

export interface Changed {
  readonly job: JobRecord;
  readonly from: State;
}

/** A job that keeps moving between reading and writing is busy, not refused: the caller may try again. */
const rounds = 5;

/**
 * What people do to jobs: CANCEL, ACTIVATE (ojs-core §7.6), discarding, retry from the dead letter. Each takes the
 * caller's idempotency key: the same key again answers what the first call did. Each throws `not_found`, and `conflict`
 * where the job's state forbids it (ojs-core §6.3).
 */
export class Lifecycle {
  readonly #batches: Batches;
  readonly #clock: Clock;

  constructor(batches: Batches, clock: Clock) {
    this.#batches = batches;
    this.#clock = clock;
  }

  /** Only out of one of the states of `from`, where it is given. */
  cancel(id: JobId, key: string | null, from?: StateMask): Promise<Changed> {
    return this.#change('cancelled', id, key, (job) => {
      if (from !== undefined && (job.state & from) === 0) throw conflict(job, from);
      return cancelled(job, this.#clock.now(), key ?? undefined);
    });
  }

  discard(id: JobId, key: string | null): Promise<Changed> {
    return this.#change('discarded', id, key, (job) => discarded(job, this.#clock.now(), key ?? undefined));
  }

  activate(id: JobId, key: string | null): Promise<Changed> {
    return this.#change('activated', id, key, (job) => activated(job, this.#clock.now(), key ?? undefined));
  }

  /** Back from the dead letter to its queue with attempt 0. A job that is not in the dead letter is not found there. */
  retry(id: JobId, key: string | null, override: RerunOverride = {}): Promise<Changed> {
    return this.#change('retried', id, key, (job) => {
      if (!job.deadLetter)
        throw new ProtocolError('not_found', `There is no job with the id ${id} in the dead letter.`, { job_id: id });
      return retriedWith(job, override, this.#clock.now(), key ?? undefined);
    });
  }

  /** What failed runs again, whether it is in the dead letter, merely discarded, or waits out its backoff. */
  rerun(id: JobId, key: string | null): Promise<Changed> {
    return this.#change('retried', id, key, (job) => rerun(job, this.#clock.now(), key ?? undefined));
  }

  async #change(
    kind: 'activated' | 'cancelled' | 'discarded' | 'retried',
    id: JobId,
    key: string | null,
    decide: (job: JobRecord) => Transition,
  ): Promise<Changed> {
    for (let round = 0; round < rounds; round++) {
      const job = await this.#batches.get(id);
      if (job === null) throw new ProtocolError('not_found', `There is no job with the id ${id}.`, { job_id: id });
      const last = key === null ? undefined : historyOf(job).findLast((entry) => entry.kind === kind);
      if (last?.kind === kind && last.key === key) return { job, from: last.from };
      const moved = await this.#batches.transition(decide(job));
      if (moved.kind === 'moved') return { job: (await this.#batches.get(id)) ?? job, from: moved.was };
    }
    throw new ProtocolError('backend_unavailable', 'The job is changing too quickly; nothing was changed.', {
      job_id: id,
    });
  }
}
