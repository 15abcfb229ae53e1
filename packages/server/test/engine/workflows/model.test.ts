import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/open.ts';
import { storages } from '../../support/storages.ts';
import { anyFates, anyWorkflow, flaws, play } from './model.ts';

test.each(storages)(
  'random graphs, outcomes and crashes: every workflow ends, every job and callback is made once, $name',
  async ({ url }) => {
    await using storage = await openStorage(url());
    await storage.migrate();
    await fc.assert(
      fc.asyncProperty(anyWorkflow, anyFates, async (request, fates) => {
        expect(flaws(await play(storage, request, fates))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  },
);
