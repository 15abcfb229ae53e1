import { type Clock, type Millis, ProtocolError } from '@ojs-ts/core';
import { noConfig, queueLimitKey } from '@ojs-ts/core/job';
import type { QueueRecord, Storage } from '../../storage/storage.ts';
import { descriptionOf, type KnownWorker } from '../workers/workers.ts';
import type { AllQueues } from './all-queues.ts';

/**
 * After so many milliseconds the names are read again for a name that is not among them; at the bound, after the
 * second.
 */
const freshMs = 60_000;
const freshAtBoundMs = 1_000;
/** An empty queue is kept for so long after its creation, in milliseconds. */
const emptyMs = 3_600_000;
/** Queues that one pass removes. */
const atOnce = 1_000;

/**
 * The most queues that jobs create, those of workflows and crons among them: each has a row, and lists and totals grow
 * with them. Each server knows the names of the store, so the usual enqueue asks nothing. Servers that create queues in
 * the same minute may exceed the bound together.
 */
export class QueueBound {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #queues: AllQueues;
  readonly #most: number;
  #known: ReadonlySet<string> & { add(name: string): unknown } = new Set<string>();
  #readAt: Millis | null = null;
  #reading: Promise<void> | null = null;

  constructor(storage: Storage, clock: Clock, queues: AllQueues, most: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#queues = queues;
    this.#most = most;
  }

  /** The store was emptied. */
  forget(): void {
    this.#known = new Set();
    this.#readAt = null;
  }

  /**
   * Waits only for names that are new to this server.
   * @throws ProtocolError `unsupported` for a name that would be one queue too many.
   */
  admit(names: readonly string[]): Promise<void> | undefined {
    return names.every((name) => this.#known.has(name)) ? undefined : this.#admitNew(names);
  }

  /** Removes queues without jobs and settings that none of the workers reads. */
  async removeEmpty(workers: readonly KnownWorker[]): Promise<void> {
    const before = this.#clock.now() - emptyMs;
    const read = new Set(workers.map(descriptionOf).flatMap(({ queues }) => (Array.isArray(queues) ? queues : [])));
    const empty = (await this.#queues.queues()).filter(
      (queue) => queue.createdAt < before && isEmpty(queue) && !read.has(queue.name),
    );
    for (const { name } of empty.slice(0, atOnce)) {
      const limit = await this.#storage.registry.limit(queueLimitKey(name));
      if ((limit?.override ?? null) === null) await this.#storage.registry.removeQueue(name);
    }
    if (empty.length > 0) this.#queues.forget();
  }

  async #admitNew(names: readonly string[]): Promise<void> {
    const isNew = (name: string) => !this.#known.has(name);
    const beyond = () => this.#known.size + new Set(names.filter(isNew)).size > this.#most;
    if (this.#isOlderThan(freshMs) || (beyond() && this.#isOlderThan(freshAtBoundMs))) {
      // One reading for all that wait: a second one would forget the names that were admitted after the first.
      this.#reading ??= this.#read().finally(() => {
        this.#reading = null;
      });
      await this.#reading;
    }
    if (beyond()) {
      const name = names.find(isNew) ?? '';
      throw new ProtocolError(
        'unsupported',
        `The queue ${name} would be new, and the store has ${this.#known.size} queues; ` +
          `at most ${this.#most} are created by jobs.`,
        { queue: name, queues: this.#known.size, max_queues: this.#most },
        'Use fewer queues, delete empty ones, or raise --max-queues.',
      );
    }
    for (const name of names) this.#known.add(name);
  }

  async #read(): Promise<void> {
    const now = this.#clock.now();
    this.#known = new Set((await this.#queues.queues()).map(({ name }) => name));
    this.#readAt = now;
  }

  #isOlderThan(ms: number): boolean {
    return this.#readAt === null || Math.abs(this.#clock.now() - this.#readAt) >= ms;
  }
}

function isEmpty({ counts, deadLetter, config, paused, capacity }: QueueRecord): boolean {
  const jobs = Object.values(counts).reduce((sum, count) => sum + count, deadLetter);
  return jobs === 0 && config === noConfig && !paused && capacity === null;
}
