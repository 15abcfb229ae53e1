import { markOf, withMark } from '../durable/marks.ts';
import { ProtocolError } from '../errors.ts';
import { historyOf } from '../job/history.ts';
import type { JobId, JobRecord, Transition } from '../job/job.ts';
import type { State, StateMask } from '../job/states.ts';
import { change, type JobStore } from '../job-store.ts';
import { type Answered, ask, every, run, type Steps } from '../steps.ts';
import { type Clock, latestOf } from '../time/clock.ts';
import { uuidv7 } from '../uuid.ts';
import { Reopenings } from '../workflow/reopen.ts';
import { isIn } from './change.ts';
import { activated, cancelled, conflict, discarded } from './decide.ts';
import { editOf, type JobEdit } from './edit.ts';
import { executionHistory, historyPurged } from './execution-history.ts';
import { type RerunOverride, rerun, retriedWith } from './rerun.ts';

export interface Changed {
  readonly job: JobRecord;
  readonly from: State;
}

/**
 * Operations of people on jobs: CANCEL, ACTIVATE (ojs-core §7.6), discarding, retry, edit. Each takes the caller's
 * idempotency key: the same key again gets the answer of the first call. Each throws `not_found`, and `conflict` if the
 * job's state forbids it (ojs-core §6.3), or if its workflow cannot continue with it.
 */
export class Lifecycle {
  readonly #store: JobStore;
  readonly #clock: Clock;

  constructor(store: JobStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Only from one of the states of `from`, if it is given.
   * @param undoes false if the durable steps of the job are to stay.
   */
  cancel(id: JobId, key: string | null, from?: StateMask, undoes = true): Answered<Changed> {
    return this.#change('cancelled', id, key, (job) => {
      if (from !== undefined && !isIn(job.state, from)) throw conflict(job, from);
      const transition = cancelled(job, this.#clock.now(), key ?? undefined);
      const mark = undoes ? null : markOf(job);
      return mark === null ? transition : { ...transition, policy: withMark(job, { ...mark, keep: true }) };
    });
  }

  discard(id: JobId, key: string | null): Answered<Changed> {
    return this.#change('discarded', id, key, (job) => discarded(job, this.#clock.now(), key ?? undefined));
  }

  activate(id: JobId, key: string | null): Answered<Changed> {
    return this.#change('activated', id, key, (job) => activated(job, this.#clock.now(), key ?? undefined));
  }

  /**
   * Returns a job from the dead letter to its queue with attempt 0. Throws `not_found` for a job outside of the dead
   * letter.
   */
  retry(id: JobId, key: string | null, override: RerunOverride = {}): Answered<Changed> {
    return this.#change('retried', id, key, (job) => {
      if (!job.deadLetter) throw notDead(id);
      return retriedWith(job, override, this.#clock.now(), key ?? undefined);
    });
  }

  /** A failed job runs again: from the dead letter, discarded, or waiting for the end of its backoff. */
  rerun(id: JobId, key: string | null): Answered<Changed> {
    return this.#change('retried', id, key, (job) => rerun(job, this.#clock.now(), key ?? undefined));
  }

  /**
   * Deletes what a job that has ended keeps of its executions, and answers how many events that was; none if nothing
   * has happened since the last purge.
   */
  purgeHistory(id: JobId): Answered<number> {
    const store = this.#store;
    const clock = this.#clock;
    return run(
      (function* (): Steps<number> {
        const { job, done } = yield* change(store, id, (now) =>
          eventsBefore(now) === 0 ? null : historyPurged(now, clock.now()),
        );
        return done === null ? 0 : eventsBefore(job);
      })(),
    );
  }

  /** Changes a job that waits; see {@link editOf}. */
  edit(id: JobId, key: string | null, edit: JobEdit): Answered<Changed> {
    const clock = this.#clock;
    return this.#change('edited', id, key, (job) =>
      editOf(job, edit, { now: clock.now(), latest: latestOf(clock) }, key ?? undefined),
    );
  }

  #change(
    kind: 'activated' | 'cancelled' | 'discarded' | 'edited' | 'retried',
    id: JobId,
    key: string | null,
    decide: (job: JobRecord) => Transition | null,
  ): Answered<Changed> {
    const last = (job: JobRecord) => {
      const entry = key === null ? undefined : historyOf(job).findLast((one) => one.kind === kind && one.key === key);
      return entry?.kind === kind ? entry : null;
    };
    const store = this.#store;
    const sources = {
      workflows: store.workflows,
      jobs: (ids: readonly JobId[]) => every(ids.map((one) => store.get(one))),
      newId: () => uuidv7(this.#clock),
    };
    const decided = (job: JobRecord): Answered<Transition | null> => {
      const transition = last(job) === null ? decide(job) : null;
      return transition === null ? null : run(new Reopenings(sources).with(transition, job));
    };
    return run(
      (function* (): Steps<Changed> {
        const { job, done } = yield* change(store, id, decided);
        if (done === null) return { job, from: last(job)?.from ?? job.state };
        return { job: (yield* ask(store.get(id))) ?? job, from: done.was };
      })(),
    );
  }
}

function eventsBefore(job: JobRecord): number {
  return executionHistory(job).filter((event) => event.event_type !== 'job.purged').length;
}

export function notDead(id: JobId): ProtocolError {
  const hint = "Failed jobs are kept there only if their retry policy has on_exhaustion: 'dead_letter'.";
  return new ProtocolError('not_found', `There is no job with the id ${id} in the dead letter.`, { job_id: id }, hint);
}
