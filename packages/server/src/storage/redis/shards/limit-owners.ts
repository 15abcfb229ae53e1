import { queueLimitKey } from '@ojs-ts/core/job';
import { refuseLimit } from './cross-shard.ts';
import { Locations } from './locations.ts';
import type { Shards } from './shards.ts';

/**
 * How long the place of a key is trusted, in milliseconds: later the key may have been pruned, and used in another
 * shard.
 */
const trustMs = 60_000;
const remembered = 10_000;
const queuePrefix = queueLimitKey('');

/** A limit counts in one shard: the first one in which its key was used. */
export class LimitOwners {
  readonly #shards: Shards;
  readonly #locations: Locations;
  readonly #seen = new Map<string, { readonly place: number; readonly until: number }>();

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#locations = new Locations(shards, 'limit');
  }

  /** The place of each key, null if no shard has it. */
  async find(keys: readonly string[], lenient = false): Promise<readonly (number | null)[]> {
    const free = keys.filter((key) => !key.startsWith(queuePrefix));
    const places = await this.#locations.find(free, lenient);
    const found = new Map(free.map((key, at) => [key, places[at] ?? null]));
    return keys.map((key) => {
      if (key.startsWith(queuePrefix)) return this.#shards.map.indexOf(key.slice(queuePrefix.length));
      return found.get(key) ?? null;
    });
  }

  /**
   * Two servers that take the first jobs under one key at the same moment do not notice each other.
   * @throws ProtocolError `unsupported` if a key counts in another namespace.
   */
  async check(wanted: readonly { readonly key: string; readonly place: number }[]): Promise<void> {
    const { all, map } = this.#shards;
    if (all.length === 1 || wanted.length === 0) return;
    const time = performance.now();
    const unsure = wanted.filter(({ key, place }) => {
      const seen = this.#seen.get(key);
      return seen === undefined || seen.place !== place || seen.until < time;
    });
    // A key of a namespace that is away is not noticed: its jobs count there again when it is back.
    const owners = await this.find(
      unsure.map(({ key }) => key),
      true,
    );
    const agreed = new Map<string, number>();
    for (const [at, { key, place }] of unsure.entries()) {
      const owner = owners[at] ?? agreed.get(key) ?? place;
      if (owner !== place) refuseLimit(key, map.namespaces[place] ?? '', map.namespaces[owner] ?? '');
      agreed.set(key, place);
    }
    if (this.#seen.size + agreed.size > remembered) this.#seen.clear();
    for (const [key, place] of agreed) this.#seen.set(key, { place, until: time + trustMs });
  }
}
