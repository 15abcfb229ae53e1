import { test } from 'vitest';
import { sqliteStorage } from '../../src/storage/sqlite/sqlite.ts';
import { compareWithMemory } from './model.ts';

test('memory and sqlite give equal answers and keep equal rows', async () => {
  await using subject = sqliteStorage({ path: null });
  await subject.migrate();
  await compareWithMemory(subject, 51);
});
