import { test } from 'vitest';
import { postgresStorage } from '../../src/storage/postgres/postgres.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { newSchema, server } from './postgres/schema.ts';
import { exerciseStorage } from './suite/exercise.ts';

if (server === null) test.skip('there is no PostgreSQL on this machine', () => {});
else {
  // One schema for all cases, which come one after the other: making the tables takes longer than most of them.
  const url = newSchema();
  const open = async (events: boolean): Promise<Storage> => {
    const storage = postgresStorage({ url, events });
    await storage.migrate();
    await storage.clear();
    return storage;
  };
  exerciseStorage({ name: 'postgres', open: () => open(true), openUnlogged: () => open(false) });
}
