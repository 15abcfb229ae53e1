import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import { anyFates, anyWorkflow, flaws, play } from '../../packages/server/test/engine/workflows/model.ts';
import { checkProperty } from '../../packages/server/test/support/property.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

test.each(storages)('up to a thousand random graphs under random crashes, $name', async ({ url }) => {
  await using storage = await openStorage(url());
  await storage.migrate();
  let runs = 0;
  const property = fc.asyncProperty(anyWorkflow, anyFates, async (request, fates) => {
    runs += 1;
    expect(flaws(await play(storage, request, fates))).toEqual([]);
  });
  await checkProperty(property, { atLeast: 101, atMost: 1_000, ms: 30_000 });
  // A server answers in milliseconds what memory answers in microseconds; fewer than this would say nothing.
  expect(runs).toBeGreaterThan(100);
});
