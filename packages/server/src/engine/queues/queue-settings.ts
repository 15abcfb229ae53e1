import {
  type Clock,
  isObject,
  type Json,
  type LimitNumbers,
  type Millis,
  type NewJob,
  otherEventEntry,
  ProtocolError,
  type Rate,
  State,
} from '@ojs-ts/core';
import type { Inserted, QueuePatch, QueueRecord, Storage } from '../../storage/storage.ts';
import type { EngineLog } from '../options.ts';

/** What an operator set for a queue; absent fields limit nothing. */
export interface QueueConfig {
  /** Jobs that may wait (ojs-backpressure §6). */
  readonly maxDepth?: number;
  /** `reject` (default) refuses jobs beyond `maxDepth`; `warn` lets them in and says so. */
  readonly strategy?: 'reject' | 'warn';
  /** Fraction of `maxDepth` from which an enqueue is told of the pressure. Default 0.8. */
  readonly warningThreshold?: number;
  /** Jobs active at once. */
  readonly concurrency?: number;
  /** Starts in a sliding window. */
  readonly rate?: Rate;
}

/** A field of null is taken back. */
export type QueueChange = { readonly [K in keyof QueueConfig]: QueueConfig[K] | null };

export interface Pressure {
  readonly queue: string;
  readonly depth: number;
  readonly bound: number;
}

export const defaultWarningThreshold = 0.8;

/** Depths may be this old before they are read again, in milliseconds. */
const freshMs = 1_000;
/** At most one event of a kind and a queue in this time. */
const eventMs = 1_000;

interface Bounded {
  readonly bound: number;
  readonly threshold: number;
  /** As read, with what this node has pushed since. */
  depth: number;
}

/**
 * What operators set for queues, and what producers are told about it (ojs-backpressure, ojs-queue-config). The bound
 * itself is kept by the storage.
 */
export class QueueSettings {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: EngineLog;
  #bounded: ReadonlyMap<string, Bounded> = new Map();
  #readAt: Millis | null = null;
  #reading: Promise<void> | null = null;
  /** Begins when that ends. */
  #next: Promise<void> | null = null;
  /** Of queues, by this node: what was read before the last one is out of date. */
  #changes = 0;
  /** When the last rejection of a queue was told as an event. */
  readonly #told = new Map<string, Millis>();

  constructor(storage: Storage, clock: Clock, log: EngineLog) {
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
  }

  /** The store was emptied. */
  forget(): void {
    this.#outdate();
    this.#told.clear();
  }

  async find(name: string): Promise<QueueRecord | null> {
    return (await this.#storage.registry.queues()).find((queue) => queue.name === name) ?? null;
  }

  /** Changes what is given and keeps the rest; creates the queue where it is missing. */
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

  /** Forgets a queue without jobs, with its limits; false where it holds one. */
  async remove(queue: QueueRecord): Promise<boolean> {
    const removed = await this.#storage.registry.removeQueue(queue.name);
    if (removed) this.#outdate();
    return removed;
  }

  /**
   * The fullest of the queues that these jobs went to, where it is past its threshold; null otherwise. The depth is
   * what this node knows, at most a second old, until it reaches the threshold; from there on it is read.
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

  /** Tells of a job that did not fit: `backpressure.rejected`, at most once a second and queue. */
  async rejected(
    { queue, depth, bound }: Extract<Inserted, { readonly kind: 'full' }>,
    jobType: string,
  ): Promise<void> {
    const now = this.#clock.now();
    const last = this.#told.get(queue);
    if (last !== undefined && Math.abs(now - last) < eventMs) return;
    this.#told.set(queue, now);
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
  }

  /** Sees all that was committed before the call: calls that come while a read is under way share the next one. */
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
    const queues = await this.#storage.registry.queues();
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

/** An operator's change meets that of another one at most so often. */
const rounds = 20;

/**
 * Writes what is decided from the queue's configuration, only where nobody has changed that meanwhile.
 * @throws ProtocolError `backend_unavailable` where others are quicker each time.
 */
export async function changeQueue(
  { registry }: Storage,
  name: string,
  now: Millis,
  decide: (before: QueueConfig) => QueuePatch,
): Promise<QueueRecord> {
  for (let round = 0; round < rounds; round++) {
    const before = (await registry.queues()).find((queue) => queue.name === name);
    const queue = await registry.configureQueue(
      name,
      decide(readConfig(before?.config ?? '{}')),
      now,
      before?.version ?? 0,
    );
    if (queue !== null) return queue;
  }
  throw new ProtocolError('backend_unavailable', 'The queue is changing too quickly; nothing was changed.', {
    queue: name,
  });
}

/** What counts against a bound: jobs that wait or will come back (ojs-backpressure §5). */
export function depthOf({ counts }: QueueRecord): number {
  return (counts[State.available] ?? 0) + (counts[State.scheduled] ?? 0) + (counts[State.retryable] ?? 0);
}

/** The limits of a queue as its configuration has them; null where it has none. */
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
