import { randomBytes } from 'node:crypto';
import { afterEach, inject } from 'vitest';
import { redisStorage } from '../../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { clearRedis } from '../../../support/redis.ts';
import { server } from '../namespace.ts';

const used = new Set<string>();

afterEach(async () => {
  for (const prefix of used) await clearRedis(server ?? '', prefix);
  used.clear();
});

/** The URL of new namespaces; each name of the map gets the prefix. */
export function urlOf(map: string, prefix = newPrefix()): string {
  return `${server}?namespaces=${map.replaceAll(/(^|;)(?=[^;])/g, `$1${prefix}`)}`;
}

/** The URL of one of these namespaces as a store by itself. */
export function wholeUrlOf(name: string, prefix: string): string {
  return `${server}?namespace=${prefix}${name}`;
}

export function newPrefix(): string {
  const prefix = `${inject('testRun')}_${randomBytes(6).toString('hex')}.`;
  used.add(prefix);
  return prefix;
}

/** A new, empty, migrated store over the namespaces of the map. */
export async function openSharded(map: string, events = true): Promise<Storage> {
  const storage = await redisStorage({ url: urlOf(map), events });
  await storage.migrate();
  return storage;
}
