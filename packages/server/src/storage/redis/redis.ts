import type { Storage, Traits } from '../storage.ts';
import { readAddress } from './address.ts';
import { Connection } from './connection.ts';
import { durability } from './layout.ts';
import { type Namespace, namespace } from './namespace.ts';
import { partitioned } from './partition/partitioned.ts';
import { otherMap } from './partition/spaces.ts';

export interface RedisOptions {
  /** `redis://HOST:PORT/DB?namespace=NAME`, `rediss://…`, `redis+cluster://H1:P,H2:P`, `redis+sentinel://H1,H2/MASTER`; `?namespaces=a:emails;b:*` for several. */
  readonly url: string;
  /** False writes no log of events; true by default. */
  readonly events?: boolean;
  /** How long a call waits for a connection, and for an answer, in milliseconds; 5000 by default. */
  readonly timeoutMs?: number;
}

/**
 * A store in Redis (7 or later) or Valkey: each operation is one script, so it is atomic and everything that the server writes of it is written together.
 * @throws Error where the URL is no Redis URL.
 */
export function redisStorage({ url, events = true, timeoutMs }: RedisOptions): Storage {
  const address = readAddress(url);
  const connection = new Connection(address, timeoutMs);
  const traits: { -readonly [name in keyof Traits]: Traits[name] } = {
    name: 'redis',
    // Scripts run one by one; the next is on its way meanwhile.
    parallel: 2,
    inProcess: false,
    maxBatch: 500,
    durability: 'as the server persists it',
  };
  const open = (name: string) => namespace(connection, name, events);
  const store = address.map ? partitioned(address.map, open, events) : whole(open(address.namespace), connection.name);
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
  const others = async () => {
    const map = await space.map();
    return map === `${space.name}:*` ? null : map;
  };
  return {
    ...space,
    async clock() {
      space.retire((await others()) === null ? null : otherMap);
      return space.clock();
    },
    async migrate() {
      const migrated = await space.migrate();
      const map = await others();
      if (map === null) return migrated;
      throw new Error(
        `${server} is one of several namespaces: open it with ?namespaces=${map}. Once the others are empty, ?namespaces=${space.name}:* makes it a store by itself.`,
      );
    },
  };
}
