import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { postgresUrl } from './postgres.ts';
import { redisUrl } from './redis.ts';

export interface TestStorage {
  readonly name: 'memory' | 'sqlite' | 'postgres' | 'redis';
  /** The URL of a new namespace: it is empty, no other call gets it, and it goes with the run at the latest. */
  readonly url: () => string;
}

/**
 * Every storage that a test of the whole can run on. Where the machine has no PostgreSQL or Redis, that one is not in
 * the list and the run says so.
 */
export const storages: readonly TestStorage[] = await available();

async function available(): Promise<readonly TestStorage[]> {
  const [postgres, redis] = await Promise.all([postgresUrl(), redisUrl()]);
  return [
    { name: 'memory', url: () => 'memory:' },
    { name: 'sqlite', url: () => 'sqlite:' },
    ...(postgres === null ? [] : [{ name: 'postgres', url: () => within(postgres, 'schema') } as const]),
    ...(redis === null ? [] : [{ name: 'redis', url: () => within(redis, 'namespace') } as const]),
  ];
}

/** `servers.ts` removes what begins with the run's name from a server that outlives the run. */
export function within(server: string, parameter: 'schema' | 'namespace'): string {
  return `${server}${server.includes('?') ? '&' : '?'}${parameter}=${inject('testRun')}_${randomBytes(6).toString('hex')}`;
}
