import { randomBytes } from 'node:crypto';
import { afterEach, test as everyTest, inject } from 'vitest';
import { clear } from '../../../src/storage/redis/backup.ts';
import { readAddress } from '../../../src/storage/redis/connection/address.ts';
import { Connection } from '../../../src/storage/redis/connection/connection.ts';
import { Scripts } from '../../../src/storage/redis/connection/scripts.ts';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { redisUrl } from '../../support/redis.ts';

/** The URL of the run's Redis; null where the machine has none: then its tests are skipped. */
export const server = await redisUrl();

/** A test that needs Redis. */
export const test = everyTest.skipIf(server === null);

const used = new Set<string>();

afterEach(async () => {
  await Promise.all([...used].map(remove));
  used.clear();
});

/** The URL of a new namespace, which is removed after the test. */
export function namespaceUrl(): string {
  const url = `${server}?namespace=${inject('testRun')}_${randomBytes(6).toString('hex')}`;
  used.add(url);
  return url;
}

/** A new, empty, migrated store. */
export async function openRedis(events = true): Promise<Storage> {
  const storage = await redisStorage({ url: namespaceUrl(), events });
  await storage.migrate();
  return storage;
}

/** Every key of the namespace. */
export async function keysOf(url: string): Promise<readonly string[]> {
  const address = readAddress(url);
  const connection = new Connection(address);
  const prefix = `{${address.namespace}}:`;
  const reply = await connection.command('KEYS', `${prefix}*`);
  await connection.close();
  return Array.isArray(reply) ? reply.map((key) => String(key).slice(prefix.length)).sort() : [];
}

async function remove(url: string): Promise<void> {
  const address = readAddress(url);
  const connection = new Connection(address);
  await clear(new Scripts(connection, `{${address.namespace}}:`, true), true);
  await connection.close();
}
