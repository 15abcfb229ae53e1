import { type Clock, isObject, isQueueName, type Millis, ProtocolError } from '@ojs-ts/core';
import { otherEventEntry } from '@ojs-ts/core/events';
import type { Json, LimitNumbers, NewJob, Rate } from '@ojs-ts/core/job';
import { depthOf } from '@ojs-ts/core/requests';
import type { Inserted, QueuePatch, QueueRecord, Storage } from '../../storage/storage.ts';
import type { EngineLog } from '../options.ts';

/** An operator's settings of a queue; absent members limit nothing. */
export interface QueueConfig {
  /** Jobs that may wait (ojs-backpressure §6). */
  readonly maxDepth?: number;
  /** `reject` (default) refuses jobs beyond `maxDepth`; `warn` accepts them with a warning. */
  readonly strategy?: 'reject' | 'warn';
  /** Fraction of `maxDepth` from which the answer to an enqueue reports the pressure. Default 0.8. */
  readonly warningThreshold?: number;
  /** Jobs active at once. */
  readonly concurrency?: number;
  /** Starts in a sliding window. */
  readonly rate?: Rate;
}

/** A null deletes a setting. */
export type QueueChange = { readonly [K in keyof QueueConfig]: QueueConfig[K] | null };

export interface Pressure {
  readonly queue: string;
  readonly depth: number;
  readonly bound: number;
}

export const defaultWarningThreshold = 0.8;

/** The maximum age of a depth before it is read again, in milliseconds. */
const freshMs = 1_000;
/** At most one event of a kind and a queue in this time, in milliseconds. */
const eventMs = 1_000;

interface Bounded {
  readonly bound: number;
  readonly threshold: number;
  /** The depth as read, plus the jobs that this node has enqueued since. */
  depth: number;
}

/**
 * Operators' settings of queues, and what producers learn of them (ojs-backpressure, ojs-queue-config). The storage
 * enforces the bound itself.
 */
export class QueueSettings {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  readonly #changed: () => void;
  #bounded: ReadonlyMap<string, Bounded> = new Map();
  #readAt: Millis | null = null;
  #reading: Promise<void> | null = null;
  /** Starts after the current read. */
  #next: Promise<void> | null = null;
  /** Changes of queues by this node: a read from before the last one is out of date. */
  #changes = 0;
  /** Time of the last event about a rejection, by queue. */
  readonly #reportedAt = new Map<string, Millis>();

  /** @param changed is called after each change of a queue by this node. */
  constructor(storage: Storage, clock: Clock, log: EngineLog, changed: () => void = () => {}) {
    this.#changed = changed;
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
  }

  /** The store was emptied. */
  forget(): void {
    this.#outdate();
    this.#reportedAt.clear();
  }

  /** A name that no queue can have is not looked up: PostgreSQL refuses some texts. */
  async find(name: string): Promise<QueueRecord | null> {
    if (!isQueueName(name)) return null;
    const [queue = null] = await this.#storage.registry.queues([name]);
    return queue;
  }

  /** Changes the given settings and keeps the rest; creates a missing queue. */
  async configure(name: string, change: QueueChange): Promise<QueueRecord> {
    const queue = await changeQueue(this.#storage, name, this.#clock.now(), (before) => {
      const config: QueueConfig = Object.fromEntries(
        Object.entries({ ...before, ...change }).filter(([, value]) => value !== null),
      );
      const numbers = queueNumbers(config);
      const capacity = config.strategy === 'warn' ? null : (config.maxDepth ?? null);
      const limited = numbers !== null || queueNumbers(before) !== null;
      return { capacity, config: JSON.stringify(config), ...(limited && { limit: numbers }) };
    });
    this.#outdate();
    return queue;
  }

  /** Deletes a queue without jobs, with its limits; false if the queue has jobs. */
  async remove(queue: QueueRecord): Promise<boolean> {
    const removed = await this.#storage.registry.removeQueue(queue.name);
    if (removed) this.#outdate();
    return removed;
  }

  /**
   * The fullest of the queues of these jobs, if it is above its threshold; else null. Below the threshold the depth may
   * be a second old; above it, the depth is read from the store.
   */
  async pressure(jobs: readonly Pick<NewJob, 'queue'>[]): Promise<Pressure | null> {
    if (this.#isStale()) await this.#read();
    if (this.#bounded.size === 0) return null;
    let full = false;
    for (const { queue } of jobs) {
      const bounded = this.#bounded.get(queue);
      if (bounded === undefined) continue;
      bounded.depth += 1;
      full ||= bounded.depth >= bounded.threshold * bounded.bound;
    }
    if (!full) return null;
    await this.#read();
    const pressed = [...new Set(jobs.map(({ queue }) => queue))].flatMap((queue): Pressure[] => {
      const bounded = this.#bounded.get(queue);
      if (bounded === undefined || bounded.depth < bounded.threshold * bounded.bound) return [];
      return [{ queue, depth: bounded.depth, bound: bounded.bound }];
    });
    return pressed.toSorted((a, b) => b.depth / b.bound - a.depth / a.bound)[0] ?? null;
  }

  /** Reports a job that did not fit: `backpressure.rejected`, at most once per second and queue. */
  async rejected(
    { queue, depth, bound }: Extract<Inserted, { readonly kind: 'full' }>,
    jobType: string,
  ): Promise<void> {
    const now = this.#clock.now();
    const last = this.#reportedAt.get(queue);
    if (last !== undefined && Math.abs(now - last) < eventMs) return;
    this.#reportedAt.set(queue, now);
    const data = JSON.stringify({ queue, depth, bound, job_type: jobType, strategy: 'reject' });
    try {
      await this.#storage.record([otherEventEntry('backpressure.rejected', queue, data, queue)], now);
    } catch (error) {
      this.#log.warn({ err: error, queue }, 'event not written');
    }
  }

  #isStale(): boolean {
    return this.#readAt === null || Math.abs(this.#clock.now() - this.#readAt) >= freshMs;
  }

  #outdate(): void {
    this.#readAt = null;
    this.#changes++;
    this.#changed();
  }

  /** Reads everything that was committed before the call. Calls during a read share the next one. */
  #read(): Promise<void> {
    if (this.#reading === null) return this.#begin();
    this.#next ??= this.#reading.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = null;
    const work = this.#readQueues();
    this.#reading = work;
    const over = () => {
      if (this.#reading === work) this.#reading = null;
    };
    work.then(over, over);
    return work;
  }

  async #readQueues(): Promise<void> {
    const now = this.#clock.now();
    const changes = this.#changes;
    const queues = await this.#storage.registry.queues('configured');
    this.#bounded = new Map(
      queues.flatMap((queue) => {
        const { maxDepth, warningThreshold = defaultWarningThreshold } = readConfig(queue.config);
        if (maxDepth === undefined) return [];
        return [[queue.name, { bound: maxDepth, threshold: warningThreshold, depth: depthOf(queue) }]];
      }),
    );
    this.#readAt = changes === this.#changes ? now : null;
  }
}

/** How often a change is decided again because of other operators' changes. */
const rounds = 20;

/**
 * Writes a change that is decided from the queue's configuration, unless another call has changed the configuration
 * since.
 * @throws ProtocolError `backend_unavailable` if others are faster each time.
 */
export async function changeQueue(
  { registry }: Storage,
  name: string,
  now: Millis,
  decide: (before: QueueConfig) => QueuePatch,
): Promise<QueueRecord> {
  for (let round = 0; round < rounds; round++) {
    const [before] = await registry.queues([name]);
    const queue = await registry.configureQueue(
      name,
      decide(readConfig(before?.config ?? '{}')),
      now,
      before?.version ?? 0,
    );
    if (queue !== null) return queue;
  }
  throw new ProtocolError(
    'backend_unavailable',
    `Other calls keep changing the queue ${name}; nothing was changed. Try again.`,
    {
      queue: name,
    },
  );
}

/** The limits in a queue's configuration; null if it has none. */
export function queueNumbers({ concurrency, rate }: QueueConfig): LimitNumbers | null {
  if (concurrency === undefined && rate === undefined) return null;
  return { concurrency: concurrency ?? null, rates: rate === undefined ? [] : [rate] };
}

export function readConfig(config: Json): QueueConfig {
  const read: unknown = JSON.parse(config);
  if (!isObject(read)) return {};
  const { maxDepth, strategy, warningThreshold, concurrency, rate } = read;
  return {
    ...(typeof maxDepth === 'number' && { maxDepth }),
    ...((strategy === 'reject' || strategy === 'warn') && { strategy }),
    ...(typeof warningThreshold === 'number' && { warningThreshold }),
    ...(typeof concurrency === 'number' && { concurrency }),
    ...(isObject(rate) &&
      typeof rate.count === 'number' &&
      typeof rate.perMs === 'number' && { rate: { count: rate.count, perMs: rate.perMs } }),
  };
}
