import { mapHasChanged, type QueueMap } from '../connection/queue-map.ts';
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
   * for them.
   */
  async checkMap(): Promise<void> {
    const text = await this.home.map();
    // A store that was emptied has none.
    const isOurs = text === null || text === this.map.text;
    for (const shard of this.#all) shard.suspend(isOurs ? null : mapHasChanged);
  }
}
