import fc from 'fast-check';
import { test } from 'vitest';
import { memoryStorage } from '../../packages/server/src/storage/memory/memory.ts';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import { faultScript, playFaults } from '../../packages/server/test/storage/faults.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

test.each(storages)('5,000 scripts of calls that fail before or after their effect, $name', async ({ url }) => {
  await using model = memoryStorage();
  await using subject = await openStorage(url());
  await subject.migrate();
  await fc.assert(
    fc.asyncProperty(faultScript, (script) => playFaults(model, subject, script)),
    { numRuns: 5_000, interruptAfterTimeLimit: 25_000 },
  );
});
