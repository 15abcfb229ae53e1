import { redisStorage } from '../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { namespaceUrl } from './namespace.ts';

export interface Clients extends AsyncDisposable {
  readonly storages: readonly [Storage, ...Storage[]];
}

/** Several connections to one new, empty store, as so many servers have them. */
export async function openClients(count: number): Promise<Clients> {
  const url = namespaceUrl();
  const open = () => redisStorage({ url });
  const storages: Clients['storages'] = [await open(), ...(await Promise.all(Array.from({ length: count - 1 }, open)))];
  await storages[0].migrate();
  return {
    storages,
    async [Symbol.asyncDispose]() {
      for (const storage of storages) await storage[Symbol.asyncDispose]();
    },
  };
}
