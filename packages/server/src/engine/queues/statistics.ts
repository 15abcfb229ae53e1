import type { Clock } from '@ojs-ts/core';
import { midnight, type QueueStatistics, QueueSums } from '@ojs-ts/core/statistics';
import type { Storage } from '../../storage/storage.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { minuteParts } from './minute-parts.ts';

const hour = 3_600_000;
/** Queues whose sums are cached: at most 100 KB each. */
const mostCached = 200;

/** The sums by minute of the storage, cached: an answer reads only the last minutes again, at most once a second. */
export class Statistics {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #queues = new Map<string, QueueSums>();
  #all = new QueueSums();
  /** A read starts where the last one has ended. */
  readonly #reads = new KeyedMutex();

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** The store was emptied. */
  forget(): void {
    this.#queues.clear();
    this.#all = new QueueSums();
  }

  async of(queue: string): Promise<QueueStatistics> {
    return (await this.each([queue])).get(queue) ?? new QueueSums().read(this.#clock.now());
  }

  /** By name. Reads no other queues: a store may have many. */
  each(names: readonly string[]): Promise<ReadonlyMap<string, QueueStatistics>> {
    return this.#reads.run('queues', async () => {
      const now = this.#clock.now();
      const each = new Map(names.map((name) => [name, this.#queues.get(name) ?? new QueueSums()]));
      const old = new Map([...each].filter(([, sums]) => sums.isOld(now)));
      if (old.size > 0) {
        const first = Math.min(...[...old.values()].map((sums) => sums.first(midnight(now), now)));
        const records = await this.#storage.registry.statistics(first, undefined, [...old.keys()]);
        for (const sums of old.values()) sums.begin(midnight(now), now);
        for (const record of records) old.get(record.queue)?.add(record, now);
        for (const sums of old.values()) sums.end(now);
      }
      for (const [name, sums] of each) {
        this.#queues.delete(name);
        this.#queues.set(name, sums);
      }
      for (const name of [...this.#queues.keys()].slice(0, -mostCached)) this.#queues.delete(name);
      return new Map([...each].map(([name, sums]) => [name, sums.read(now)]));
    });
  }

  /** Statistics of all queues together. */
  all(): Promise<Omit<QueueStatistics, 'completedToday' | 'failedToday'>> {
    return this.#reads.run('all', async () => {
      const now = this.#clock.now();
      const sums = this.#all;
      if (!sums.isOld(now)) return sums.read(now);
      // The clock of another server may be ahead.
      for await (const part of minuteParts(this.#storage, sums.begin(now, now), now + hour))
        for (const record of part) sums.add(record, now);
      sums.end(now);
      return sums.read(now);
    });
  }
}
