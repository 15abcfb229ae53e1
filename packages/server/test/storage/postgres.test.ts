import { afterAll, test } from 'vitest';
import { postgresStorage } from '../../src/storage/postgres/postgres.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { newSchema, server } from './postgres/schema.ts';
import { exerciseStorage } from './suite/exercise.ts';

if (server === null) test.skip('there is no PostgreSQL on this machine', () => {});
else {
  // One schema for all cases, which come one after the other, and one pool until a case closes it: making the tables,
  // and the first statements of a connection, take longer than most of the cases.
  const url = newSchema();
  const pools = new Map<boolean, Storage>();
  const open = async (events: boolean): Promise<Storage> => {
    const before = pools.get(events);
    const isOpen = await before?.ping().then(
      () => true,
      () => false,
    );
    const storage = before !== undefined && isOpen ? before : postgresStorage({ url, events });
    pools.set(events, storage);
    if (storage !== before) await storage.migrate();
    await storage.clear();
    return storage;
  };
  afterAll(async () => {
    for (const storage of pools.values()) await storage[Symbol.asyncDispose]();
  });
  exerciseStorage({ name: 'postgres', open: () => open(true), openUnlogged: () => open(false), close: async () => {} });
}
