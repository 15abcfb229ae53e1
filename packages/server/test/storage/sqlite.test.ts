import { openStorage } from '../../src/storage/open.ts';
import { sqliteStorage } from '../../src/storage/sqlite/sqlite.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { exerciseStorage } from './suite/exercise.ts';

exerciseStorage({
  name: 'sqlite',
  open: async () => migrated(await openStorage('sqlite:')),
  openUnlogged: () => migrated(sqliteStorage({ path: null, events: false })),
});

async function migrated(storage: Storage): Promise<Storage> {
  await storage.migrate();
  return storage;
}
