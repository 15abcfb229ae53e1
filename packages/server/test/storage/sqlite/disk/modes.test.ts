import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sqliteStorage } from '../../../../src/storage/sqlite/sqlite.ts';
import { insert, newJob } from '../../suite/tools.ts';
import { temporaryDirectory } from '../temporary.ts';

test.each([
  ['a new file and the files beside it belong to their owner alone', null, 0o600],
  ['a file that exists keeps its mode', 0o640, 0o640],
])('%s', async (_name, given, expected) => {
  const directory = temporaryDirectory();
  const path = join(directory, 'ojs.db');
  if (given !== null) {
    writeFileSync(path, '');
    chmodSync(path, given);
  }
  await using storage = sqliteStorage({ path });
  await storage.migrate();
  await insert(storage, [newJob(1)]);
  const files = readdirSync(directory).filter((name) => name.startsWith('ojs.db'));
  expect(files).toContain('ojs.db-wal');
  for (const name of files) expect([name, statSync(join(directory, name)).mode & 0o777]).toEqual([name, expected]);
});
