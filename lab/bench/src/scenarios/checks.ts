import { setTimeout as pause } from 'node:timers/promises';
import { type Client, OJSAPIError, type QueueStats } from '@ojs-ts/sdk';
import { queue } from '../payload.ts';

/** A run that makes no progress for this long is broken. */
const stallMs = 30_000;

const states = [
  'available',
  'active',
  'scheduled',
  'retryable',
  'pending',
  'completed',
  'discarded',
  'cancelled',
] as const;
type Counts = Readonly<Record<(typeof states)[number], number>>;

/** What the store counts before a round; the queue of the first one is not there yet. */
export async function countsOf(client: Client): Promise<Counts> {
  try {
    return await client.queueStats(queue);
  } catch (error) {
    if (!(error instanceof OJSAPIError) || error.statusCode !== 404) throw error;
    return {
      available: 0,
      active: 0,
      scheduled: 0,
      retryable: 0,
      pending: 0,
      completed: 0,
      discarded: 0,
      cancelled: 0,
    };
  }
}

/**
 * The store's own count, asked until it has so many more than `before`.
 * @throws Error where the store stops short of it.
 */
export async function untilCounted(
  client: Client,
  state: 'available' | 'completed',
  jobs: number,
  before: Counts,
): Promise<void> {
  let seen = -1;
  let progressAt = performance.now();
  for (;;) {
    const stats = await client.queueStats(queue);
    if (stats[state] - before[state] === jobs) return expectNothingElse(stats, state, before);
    if (stats[state] !== seen) {
      seen = stats[state];
      progressAt = performance.now();
    } else if (performance.now() - progressAt > stallMs) {
      throw new Error(
        `the store counts ${seen - before[state]} of ${jobs} jobs as ${state}, and has for ${stallMs / 1_000} s`,
      );
    }
    // Also lets a worker in this process go on.
    await pause(1);
  }
}

/** Until the store counts no job, asked again and again. @throws Error where it stops short of that. */
export async function untilGone(client: Client, unfinishedOnly: boolean): Promise<void> {
  for (let until = performance.now() + stallMs; ; ) {
    const { available, active, scheduled, retryable, pending, completed } = await client.queueStats(queue);
    const left = available + active + scheduled + retryable + pending + (unfinishedOnly ? 0 : completed);
    if (left === 0) return;
    if (performance.now() > until) throw new Error(`the store still counts ${left} jobs after ${stallMs / 1_000} s`);
    // A deletion is waited for with CPU time running.
    await pause(unfinishedOnly ? 1 : 250);
  }
}

function expectNothingElse(stats: QueueStats, state: 'available' | 'completed', before: Counts): void {
  const stray = states.filter((other) => other !== state && stats[other] !== before[other]);
  if (stray.length > 0)
    throw new Error(
      `the store counts jobs that should not be: ${stray.map((other) => `${stats[other]} ${other}`).join(', ')}`,
    );
}

/** Handler calls by job number. */
export class Calls {
  /** When all jobs have been called once at least. */
  readonly all: Promise<void>;
  readonly #counts: Uint8Array;
  #distinct = 0;
  readonly #resolve: () => void;

  constructor(jobs: number) {
    this.#counts = new Uint8Array(jobs);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.all = promise;
    this.#resolve = resolve;
  }

  get distinct(): number {
    return this.#distinct;
  }

  add(n: number): void {
    const before = this.#counts[n];
    if (before === undefined) throw new Error(`a handler got job ${n}; there are ${this.#counts.length}`);
    this.#counts[n] = before + 1;
    if (before > 0) return;
    this.#distinct++;
    if (this.#distinct === this.#counts.length) this.#resolve();
  }

  /** @throws Error unless each job was called exactly once. */
  check(): void {
    const wrong = this.#counts.findIndex((count) => count !== 1);
    if (wrong >= 0) throw new Error(`job ${wrong} had ${this.#counts[wrong]} handler calls, not one`);
  }

  /** `all`, or the reason why it will never be: `running` ended, or nothing was called for a while. */
  async done(running: Promise<void>): Promise<void> {
    const ended = running.then(() => {
      throw new Error(`the worker stopped after ${this.#distinct} of ${this.#counts.length} jobs`);
    });
    const over = new AbortController();
    try {
      await Promise.race([this.all, ended, this.#stalled(over.signal)]);
    } finally {
      over.abort();
      // Whoever lost the race may reject later, when nobody listens.
      ended.catch(() => {});
    }
  }

  async #stalled(signal: AbortSignal): Promise<void> {
    for (let seen = -1; seen !== this.#distinct; ) {
      seen = this.#distinct;
      await pause(stallMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
    throw new Error(
      `no handler was called for ${stallMs / 1_000} s after ${this.#distinct} of ${this.#counts.length} jobs`,
    );
  }
}
