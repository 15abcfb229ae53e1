import fc from 'fast-check';
import { test } from 'vitest';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { sqliteStorage } from '../../src/storage/sqlite/sqlite.ts';
import { compare, script } from './model.ts';

test('memory and sqlite give equal answers and keep equal rows, 10,000 scripts', async () => {
  await using model = memoryStorage();
  await using subject = sqliteStorage({ path: null });
  await subject.migrate();
  await fc.assert(
    fc.asyncProperty(script, (turns) => compare(model, subject, turns)),
    { numRuns: 10_000, interruptAfterTimeLimit: 120_000 },
  );
});
