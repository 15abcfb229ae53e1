import type { Namespace } from '../namespace.ts';
import type { QueueMap } from './queue-map.ts';
import { settled } from './spread.ts';

export const otherMap =
  'The queues of this store were given to other namespaces meanwhile; start this server anew with the new map.';

/** The namespaces of one store. */
export class Spaces {
  readonly map: QueueMap;
  readonly home: Namespace;
  readonly #all: readonly [Namespace, ...Namespace[]];
  readonly #underWay = new Set<Promise<unknown>>();

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

  each<T>(run: (space: Namespace, place: number) => Promise<T>): Promise<readonly T[]> {
    return settled(this.all.map(run));
  }

  /** Something of several steps; {@link close} waits for it. */
  async work<T>(run: () => Promise<T>): Promise<T> {
    const working = run();
    this.#underWay.add(working);
    try {
      return await working;
    } finally {
      this.#underWay.delete(working);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    for (const space of this.#all) await space[Symbol.asyncDispose]();
  }

  /** Where another server was started with another map this one would put jobs where nobody looks for them: it stops. */
  async follow(): Promise<void> {
    const text = await this.home.map();
    // A store that was emptied has none.
    const isOurs = text === null || text === this.map.text;
    for (const space of this.#all) space.retire(isOurs ? null : otherMap);
  }
}
