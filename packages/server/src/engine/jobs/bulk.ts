import {
  type Clock,
  type EventKind,
  isUuidv7,
  type JobId,
  type Json,
  type Lifecycle,
  missingJob,
  otherEventEntry,
  ProtocolError,
  type StateMask,
  stateName,
  Waiting,
} from '@ojs-ts/core';
import type { Storage } from '../../storage/storage.ts';
import { type JobFilter, select } from './selection.ts';

/** The jobs of a bulk operation: listed ones, or all that match. */
export type Targets = { readonly ids: readonly JobId[] } | { readonly filter: JobFilter };

export interface BulkItem {
  readonly id: JobId;
  /** Why the job was not changed; null if it was. */
  readonly fault: ProtocolError | null;
}

export interface BulkResult {
  readonly items: readonly BulkItem[];
  /** More jobs may match: the same call again continues with them. */
  readonly more: boolean;
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
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #lifecycle: Lifecycle;
  /** Receives errors that are no refusal, but come from the store. */
  readonly #failed: (error: unknown) => void;

  constructor(storage: Storage, clock: Clock, lifecycle: Lifecycle, failed: (error: unknown) => void) {
    this.#storage = storage;
    this.#clock = clock;
    this.#lifecycle = lifecycle;
    this.#failed = failed;
  }

  /** Cancels active jobs only if the call lists them (ojs-bulk-operations §6.1). */
  cancel(targets: Targets, key: string | null): Promise<BulkResult> {
    const from = 'filter' in targets ? Waiting : undefined;
    return this.each(targets, async (id) => {
      await this.#lifecycle.cancel(id, key, from);
    });
  }

  /** Discarded jobs start a new round of attempts, retryable ones become available at once. */
  retry(targets: Targets, key: string | null): Promise<BulkResult> {
    return this.each(targets, async (id) => {
      await this.#lifecycle.rerun(id, key);
    });
  }

  /** Changes each job. An error is that of its item. */
  each(targets: Targets, work: (id: JobId) => Promise<void>): Promise<BulkResult> {
    return this.#pages(targets, (ids) =>
      Promise.all(
        ids.map(async (id): Promise<BulkItem> => {
          try {
            if (!isUuidv7(id)) throw missingJob(id);
            await work(id);
            return { id, fault: null };
          } catch (error) {
            return { id, fault: this.#faultOf(error, id) };
          }
        }),
      ),
    );
  }

  /** Removes the jobs that the guard allows. */
  remove(targets: Targets, guard: { readonly from: StateMask; readonly deadLetter?: true }): Promise<BulkResult> {
    return this.#pages(targets, async (ids) => {
      const wellFormed = ids.map((id) => (isUuidv7(id) ? id : ''));
      const removed = await this.#storage.jobs.remove(wellFormed, guard, this.#clock.now());
      const left = ids.filter((id, index) => !removed[index] && isUuidv7(id));
      const jobs = left.length === 0 ? [] : await this.#storage.jobs.get(left);
      const states = new Map(jobs.flatMap((job) => (job === null ? [] : [[job.id, job.state] as const])));
      return ids.map((id, index): BulkItem => {
        if (removed[index]) return { id, fault: null };
        const state = states.get(id);
        if (state === undefined) return { id, fault: missingJob(id) };
        const details = { job_id: id, current_state: stateName(state) };
        return { id, fault: new ProtocolError('conflict', `The job is ${stateName(state)}, so it stays.`, details) };
      });
    });
  }

  /** Writes the event of a bulk operation. If that fails, the engine logs it and undoes nothing. */
  async writeEvent(kind: EventKind, subject: string, data: Json): Promise<void> {
    try {
      await this.#storage.record([otherEventEntry(kind, subject, data)], this.#clock.now());
    } catch (error) {
      this.#failed(error);
    }
  }

  async #pages(targets: Targets, work: (ids: readonly JobId[]) => Promise<readonly BulkItem[]>): Promise<BulkResult> {
    const items: BulkItem[] = [];
    if ('ids' in targets) {
      for (let at = 0; at < targets.ids.length; at += page)
        items.push(...(await work(targets.ids.slice(at, at + page))));
      return { items, more: false };
    }
    let after: string | null = null;
    do {
      const limit = Math.min(page, Bulk.max - items.length);
      const { jobs, next }: Awaited<ReturnType<typeof select>> = await select(this.#storage, targets.filter, {
        after,
        limit,
      });
      if (jobs.length > 0) items.push(...(await work(jobs.map(({ id }) => id))));
      after = next;
    } while (after !== null && items.length < Bulk.max);
    return { items, more: after !== null };
  }

  #faultOf(error: unknown, id: JobId): ProtocolError {
    if (error instanceof ProtocolError) return error;
    this.#failed(error);
    return new ProtocolError('backend_error', 'The server could not finish this item.', { job_id: id });
  }
}
