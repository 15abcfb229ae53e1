import { type JobId, type JobRecord, Terminal } from '@ojs-ts/core/job';
import { Waiter } from '../../engine/jobs/waiter.ts';
import type { EventSubscriptions } from './event-subscriptions.ts';
import type { LogEvent } from './log-events.ts';

/**
 * Without an event log, a waiting caller reads the job again after this long, in milliseconds; callers of one moment
 * share a read.
 */
const pollMs = 1_000;

/**
 * Callers that wait for the end of a job (ojs-results §8.2). The event log reports the end, so no caller polls; the
 * answer is read from the job itself.
 */
export class JobEnds {
  readonly #subscriptions: EventSubscriptions;
  readonly #get: (id: JobId) => Promise<JobRecord | null>;
  readonly #waiters = new Set<Waiter>();
  readonly #closed = new AbortController();

  constructor(subscriptions: EventSubscriptions, get: (id: JobId) => Promise<JobRecord | null>) {
    this.#subscriptions = subscriptions;
    this.#get = get;
  }

  /** Callers that wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * The job after its end, or as it is after `waitMs`, when the caller leaves or the server ends; null for an unknown
   * job.
   */
  async wait(id: JobId, waitMs: number, signal?: AbortSignal): Promise<JobRecord | null> {
    const until = performance.now() + waitMs;
    const first = await this.#get(id);
    if (first === null || (first.state & Terminal) !== 0 || waitMs <= 0 || this.#closed.signal.aborted) return first;
    const waiter = this.#join();
    const events = this.#subscriptions.kept
      ? this.#subscriptions.subscribe({ job: id }, { onEvent: ({ ends }) => (ends ? waiter.wake() : undefined) })
      : null;
    try {
      // Read again once every later end will be reported, so that no end between the first read and now is missed.
      await events?.live;
      for (;;) {
        const job = await this.#get(id);
        const left = until - performance.now();
        if (job === null || (job.state & Terminal) !== 0 || left <= 0 || signal?.aborted || this.#closed.signal.aborted)
          return job;
        await waiter.wait(events === null ? Math.min(left, pollMs) : left, signal);
      }
    } finally {
      this.#waiters.delete(waiter);
      events?.close();
    }
  }

  /**
   * Resolves when one of the jobs has ended or none exists, after `waitMs`, when the caller leaves or the server ends.
   */
  async waitAny(ids: readonly JobId[], waitMs: number, signal?: AbortSignal): Promise<void> {
    const until = performance.now() + waitMs;
    const isOver = async () => {
      const jobs = await Promise.all(ids.map((id) => this.#get(id)));
      return jobs.some((job) => job === null || (job.state & Terminal) !== 0);
    };
    if (waitMs <= 0 || this.#closed.signal.aborted || (await isOver())) return;
    const waiter = this.#join();
    const follower = { onEvent: ({ ends }: LogEvent) => (ends ? waiter.wake() : undefined) };
    const subscriptions = this.#subscriptions.kept
      ? ids.map((id) => this.#subscriptions.subscribe({ job: id }, follower))
      : [];
    try {
      await Promise.all(subscriptions.map(({ live }) => live));
      for (;;) {
        const left = until - performance.now();
        if (left <= 0 || signal?.aborted || this.#closed.signal.aborted || (await isOver())) return;
        // An end woke this caller, so it need not read all jobs to find it.
        if (await waiter.wait(this.#subscriptions.kept ? left : Math.min(left, pollMs), signal)) return;
      }
    } finally {
      this.#waiters.delete(waiter);
      for (const subscription of subscriptions) subscription.close();
    }
  }

  /** Answers all waiting callers at once; later callers never wait. */
  close(): void {
    this.#closed.abort();
    for (const waiter of this.#waiters) waiter.wake();
  }

  #join(): Waiter {
    const waiter = new Waiter();
    this.#waiters.add(waiter);
    return waiter;
  }
}
