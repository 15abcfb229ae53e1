import { join } from 'node:path';
import { sqliteStorage } from '../../src/storage/sqlite/sqlite.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { temporaryDirectory } from './sqlite/temporary.ts';
import { exerciseStorage } from './suite/exercise.ts';

exerciseStorage({
  name: 'sqlite',
  // A file that is kept, so that answers wait for the disk.
  open: () => migrated(sqliteStorage({ path: join(temporaryDirectory(), 'jobs.db') })),
  openUnlogged: () => migrated(sqliteStorage({ path: null, events: false })),
});

async function migrated(storage: Storage): Promise<Storage> {
  await storage.migrate();
  return storage;
}
