import { mapHasChanged, type QueueMap, unfinishedRestore } from '../connection/queue-map.ts';
import type { Namespace } from '../namespace.ts';
import { allSettled } from './fan-out.ts';

/** The namespaces of one store. */
export class Shards {
  readonly map: QueueMap;
  readonly home: Namespace;
  readonly #all: readonly [Namespace, ...Namespace[]];
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(map: QueueMap, open: (name: string) => Namespace) {
    const [home, ...others] = map.namespaces;
    this.map = map;
    this.home = open(home);
    this.#all = [this.home, ...others.map(open)];
  }

  get all(): readonly [Namespace, ...Namespace[]] {
    return this.#all;
  }

  at(place: number): Namespace {
    return this.all[place] ?? this.home;
  }

  of(queue: string): Namespace {
    return this.at(this.map.indexOf(queue));
  }

  each<T>(run: (shard: Namespace, place: number) => Promise<T>): Promise<readonly T[]> {
    return allSettled(this.all.map(run));
  }

  /** Runs something of several steps; {@link close} waits for it. */
  async work<T>(run: () => Promise<T>): Promise<T> {
    const working = run();
    this.#inFlight.add(working);
    try {
      return await working;
    } finally {
      this.#inFlight.delete(working);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
    for (const shard of this.#all) await shard[Symbol.asyncDispose]();
  }

  /**
   * Refuses every call once another server was started with another map: this one would put jobs where no worker looks
   * for them. So it does while a restore has filled a part of the namespaces.
   */
  async checkUse(): Promise<void> {
    const [home, ...others] = await Promise.allSettled(this.all.map((shard) => shard.use()));
    if (home?.status !== 'fulfilled') throw home?.reason;
    const restored = [home, ...others].findIndex((use) => use.status === 'fulfilled' && use.value.restoring);
    const { map } = home.value;
    // A store that was emptied has none.
    const reason = map === null || map === this.map.text ? null : mapHasChanged;
    for (const shard of this.#all)
      shard.suspend(restored < 0 ? reason : unfinishedRestore(this.map.namespaces[restored] ?? ''));
  }
}
