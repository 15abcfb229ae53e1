import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/open.ts';
import { checkProperty } from '../../support/property.ts';
import { storages } from '../../support/storages.ts';
import { anyFates, anyWorkflow, flaws, play } from './model.ts';

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
