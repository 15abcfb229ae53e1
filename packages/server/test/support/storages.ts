import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { postgresUrl } from './postgres.ts';
import { redisUrl } from './redis.ts';

export interface TestStorage {
  readonly name: StorageName;
  /** The URL of a new namespace: it is empty, no other call gets it, and it goes with the run at the latest. */
  readonly url: () => string;
}

export const storageNames = ['memory', 'sqlite', 'postgres', 'redis'] as const;

type StorageName = (typeof storageNames)[number];

declare module 'vitest' {
  interface ProvidedContext {
    /** The storages that the files of this project run on; without it all. */
    readonly testStorages?: readonly StorageName[];
  }
}

/**
 * Every storage that a test of the whole can run on. Where the machine has no PostgreSQL or Redis, that one is not in
 * the list and the run says so. The rules of the engine and of its wire run on one in `npm test` and on the others in
 * `npm run test:long`: `vitest.config.ts` says which files and which storages.
 */
export const storages: readonly TestStorage[] = await available(inject('testStorages'));

async function available(names: readonly StorageName[] = storageNames) {
  const wanted = (name: StorageName) => names.includes(name);
  const [postgres, redis] = await Promise.all([
    wanted('postgres') ? postgresUrl() : null,
    wanted('redis') ? redisUrl() : null,
  ]);
  const all: readonly TestStorage[] = [
    { name: 'memory', url: () => 'memory:' },
    { name: 'sqlite', url: () => 'sqlite:' },
    ...(postgres === null ? [] : [{ name: 'postgres', url: () => within(postgres, 'schema') } as const]),
    ...(redis === null ? [] : [{ name: 'redis', url: () => within(redis, 'namespace') } as const]),
  ];
  return all.filter(({ name }) => wanted(name));
}

/** `servers.ts` removes what begins with the run's name from a server that outlives the run. */
export function within(server: string, parameter: 'schema' | 'namespace'): string {
  return `${server}${server.includes('?') ? '&' : '?'}${parameter}=${inject('testRun')}_${randomBytes(6).toString('hex')}`;
}
