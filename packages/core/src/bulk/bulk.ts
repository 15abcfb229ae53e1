import { type Asked, type BulkDone, type BulkItem, renderBulk } from '../answers.ts';
import { ProtocolError } from '../errors.ts';
import { otherEventEntry } from '../events/events.ts';
import type { EventKind } from '../events/kinds.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import { type JobFilter, type JobLists, type Selection, select } from '../job/selection.ts';
import { type StateMask, stateName, stateNames, Waiting } from '../job/states.ts';
import { missingJob } from '../job-store.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { PlainReply } from '../requests/reply.ts';
import { type Answered, ask, every, run, type Steps } from '../steps.ts';
import type { Clock, Millis } from '../time/clock.ts';
import { isUuidv7 } from '../uuid.ts';

/** The jobs of a bulk operation: listed ones, or all that match. */
export type Targets = { readonly ids: readonly JobId[] } | { readonly filter: JobFilter };

export interface BulkResult {
  readonly items: readonly BulkItem[];
  /** More jobs may match: the same call again continues with them. */
  readonly more: boolean;
  /** The cursor at which a call by filter continues; null at the end, and for listed jobs. */
  readonly next: string | null;
}

/** Selects a part of the jobs of a filter. */
export interface BulkAt {
  /** `next` of the call before; null for the first. */
  readonly after: string | null;
  /** Ends the call between two pages. */
  readonly isOver: () => boolean;
}

const wholeFilter: BulkAt = { after: null, isOver: () => false };

/** The part of a store that bulk operations use. */
export interface BulkStore extends JobLists {
  readonly jobs: JobLists['jobs'] & {
    get(ids: readonly JobId[]): Answered<readonly (JobRecord | null)[]>;
    remove(ids: readonly JobId[], guard: RemovalGuard, now: Millis): Answered<readonly boolean[]>;
  };
  record(events: readonly Json[], now: Millis): Answered<void>;
}

/** Jobs that may be removed. */
export interface RemovalGuard {
  readonly from: StateMask;
  readonly deadLetter?: true;
}

const completions: Readonly<Record<BulkDone, EventKind>> = {
  cancelled: 'bulk.cancel.completed',
  retried: 'bulk.retry.completed',
  deleted: 'bulk.delete.completed',
};

function onlyWaiting(): ProtocolError {
  const states = stateNames(Waiting).join(', ');
  const message = `must name one of ${states}: a filter cancels no running job. Send their ids in job_ids`;
  return ProtocolError.invalid([{ path: '$.filter.state', message }]);
}

/** Jobs that are changed at the same time; group commit makes few batches of them. */
const page = 500;

/**
 * CANCEL, retry and removal of many jobs (ojs-bulk-operations §6–8). Each job succeeds or fails by itself, and never
 * blocks the others.
 */
export class Bulk {
  /** The most jobs of one call. */
  static readonly max = 10_000;
  readonly #store: BulkStore;
  readonly #clock: Clock;
  readonly #lifecycle: Lifecycle;
  /** Receives errors that are no refusal, but come from the store. */
  readonly #failed: (error: unknown) => void;

  constructor(store: BulkStore, clock: Clock, lifecycle: Lifecycle, failed: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#lifecycle = lifecycle;
    this.#failed = failed;
  }

  /**
   * Cancels active jobs only if the call lists them (ojs-bulk-operations §6.1).
   * @throws ProtocolError `invalid_request` for a filter that names no state that it may cancel.
   */
  cancel(targets: Targets, key: string | null): Answered<BulkResult> {
    if ('filter' in targets && (targets.filter.states & Waiting) === 0) throw onlyWaiting();
    const from = 'filter' in targets ? Waiting : undefined;
    return this.each(targets, (id) => this.#lifecycle.cancel(id, key, from));
  }

  /** Discarded jobs start a new round of attempts, retryable ones become available at once. */
  retry(targets: Targets, key: string | null): Answered<BulkResult> {
    return this.each(targets, (id) => this.#lifecycle.rerun(id, key));
  }

  /** Changes each job. An error is that of its item. */
  each(targets: Targets, work: (id: JobId) => Answered<unknown>): Answered<BulkResult> {
    return run(this.#pages(targets, (ids) => every(ids.map((id) => run(this.#item(id, work))))));
  }

  /** Removes the jobs that the guard allows. */
  remove(targets: Targets, guard: RemovalGuard, at: BulkAt = wholeFilter): Answered<BulkResult> {
    return run(this.#pages(targets, (ids) => run(this.#removed(ids, guard)), at));
  }

  /** Writes the event of a bulk operation. If that fails, the engine logs it and undoes nothing. */
  writeEvent(kind: EventKind, subject: string, data: Json): Answered<void> {
    return run(this.#writeEvent(otherEventEntry(kind, subject, data)));
  }

  /** The answer to an operation on many jobs, once its event is written. */
  finish(
    done: BulkDone,
    result: BulkResult,
    asked: Asked,
    render: (done: BulkDone, result: BulkResult, asked: Asked) => PlainReply = renderBulk,
  ): Answered<PlainReply> {
    return run(this.#finished(done, result, asked, render));
  }

  *#finished(
    done: BulkDone,
    result: BulkResult,
    asked: Asked,
    render: (done: BulkDone, result: BulkResult, asked: Asked) => PlainReply,
  ): Steps<PlainReply> {
    const total = result.items.length;
    const succeeded = result.items.filter(({ fault }) => fault === null).length;
    const data = JSON.stringify({ total, [done]: succeeded, skipped: total - succeeded });
    yield* ask(this.writeEvent(completions[done], asked.requestId, data));
    return render(done, result, asked);
  }

  *#writeEvent(event: Json): Steps<void> {
    try {
      yield* ask(this.#store.record([event], this.#clock.now()));
    } catch (error) {
      this.#failed(error);
    }
  }

  *#item(id: JobId, work: (id: JobId) => Answered<unknown>): Steps<BulkItem> {
    try {
      if (!isUuidv7(id)) throw missingJob(id);
      yield* ask(work(id));
      return { id, fault: null };
    } catch (error) {
      return { id, fault: this.#faultOf(error, id) };
    }
  }

  *#removed(ids: readonly JobId[], guard: RemovalGuard): Steps<readonly BulkItem[]> {
    const { jobs } = this.#store;
    const wellFormed = ids.map((id) => (isUuidv7(id) ? id : ''));
    const removed = yield* ask(jobs.remove(wellFormed, guard, this.#clock.now()));
    const left = ids.filter((id, index) => !removed[index] && isUuidv7(id));
    const found = left.length === 0 ? [] : yield* ask(jobs.get(left));
    const states = new Map(found.flatMap((job) => (job === null ? [] : [[job.id, job.state] as const])));
    return ids.map((id, index): BulkItem => {
      if (removed[index]) return { id, fault: null };
      const state = states.get(id);
      if (state === undefined) return { id, fault: missingJob(id) };
      const details = { job_id: id, current_state: stateName(state) };
      return { id, fault: new ProtocolError('conflict', `The job is ${stateName(state)}, so it stays.`, details) };
    });
  }

  *#pages(
    targets: Targets,
    work: (ids: readonly JobId[]) => Answered<readonly BulkItem[]>,
    at: BulkAt = wholeFilter,
  ): Steps<BulkResult> {
    const items: BulkItem[] = [];
    if ('ids' in targets) {
      for (let from = 0; from < targets.ids.length; from += page)
        items.push(...(yield* ask(work(targets.ids.slice(from, from + page)))));
      return { items, more: false, next: null };
    }
    let { after } = at;
    do {
      const limit = Math.min(page, Bulk.max - items.length);
      try {
        const { jobs, next }: Selection = yield* ask(select(this.#store, targets.filter, { after, limit }));
        if (jobs.length > 0) items.push(...(yield* ask(work(jobs.map(({ id }) => id)))));
        after = next;
      } catch (error) {
        // The answer reports the jobs that were changed: the same call again continues.
        if (items.length === 0) throw error;
        this.#failed(error);
        return { items, more: true, next: after };
      }
    } while (after !== null && items.length < Bulk.max && !at.isOver());
    return { items, more: after !== null, next: after };
  }

  #faultOf(error: unknown, id: JobId): ProtocolError {
    if (error instanceof ProtocolError) return error;
    this.#failed(error);
    return new ProtocolError('backend_error', 'The server could not finish this item.', { job_id: id });
  }
}
