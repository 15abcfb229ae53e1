import type { Storage, Traits } from '../storage.ts';
import { readAddress } from './connection/address.ts';
import { Connection } from './connection/connection.ts';
import { mapHasChanged, unfinishedRestore } from './connection/queue-map.ts';
import { durability } from './layout.ts';
import { type Namespace, namespace } from './namespace.ts';

export interface RedisOptions {
  /**
   * `redis://HOST:PORT/DB?namespace=NAME`, `rediss://…`, `redis+cluster://H1:P,H2:P`, `redis+sentinel://H1,H2/MASTER`;
   * `?namespaces=a:emails;b:*` for several.
   */
  readonly url: string;
  /** False writes no log of events; true by default. */
  readonly events?: boolean;
  /** How long a call waits for a connection, and for an answer, in milliseconds; 5000 by default. */
  readonly timeoutMs?: number;
}

/**
 * A store in Redis (7 or later) or Valkey: each operation is one script, so it takes effect wholly or not at all. The
 * code for several namespaces is loaded only where the URL has `namespaces`.
 * @throws Error if the URL is no Redis URL.
 */
export async function redisStorage({ url, events = true, timeoutMs }: RedisOptions): Promise<Storage> {
  const address = readAddress(url);
  const connection = new Connection(address, timeoutMs);
  const traits: { -readonly [name in keyof Traits]: Traits[name] } = {
    name: 'redis',
    // Redis runs scripts one by one; the next one is on its way during that time.
    parallel: 2,
    mergedAtOnce: 2,
    inProcess: false,
    maxBatch: 500,
    retentionShare: 1 / 3,
    // All of it is in memory.
    maxStepBytes: 8 * 1_048_576,
    durability: 'as the server persists it',
  };
  const open = (name: string) => namespace(connection, name, events);
  const store = address.map
    ? (await import('./shards/sharded-store.ts')).shardedStore(address.map, open, events)
    : whole(open(address.namespace), connection.name);
  return {
    ...store,
    traits,
    async migrate() {
      const { from, to } = await store.migrate();
      traits.durability = await durability(connection);
      return { from, to };
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await connection.close();
    },
  };
}

/**
 * A namespace that is a store by itself.
 * @throws Error at its migration where it is one of several that make up a store.
 */
function whole(space: Namespace, server: string): Omit<Storage, 'traits'> {
  const others = (map: string | null) => (map === `${space.name}:*` ? null : map);
  return {
    ...space,
    async clock() {
      const { map, restoring } = await space.use();
      const reason = others(map) === null ? null : mapHasChanged;
      space.suspend(restoring ? unfinishedRestore(space.name) : reason);
      return space.clock();
    },
    async migrate() {
      const migrated = await space.migrate();
      const map = others(await space.map());
      if (map === null) return migrated;
      throw new Error(
        `${server} is one of several namespaces: open it with ?namespaces=${map}. ` +
          `Once the others are empty, ?namespaces=${space.name}:* makes it a store by itself.`,
      );
    },
  };
}
