import fc from 'fast-check';
import { expect, test } from 'vitest';
import { urls } from '../support/engine.ts';
import { anyFates, anyWorkflow, flaws, play } from './workflow-model.ts';

test.each(urls)('random graphs, outcomes and crashes: every workflow ends, every job and callback is made once, %s', async (url) => {
  await fc.assert(
    fc.asyncProperty(anyWorkflow, anyFates, async (request, fates) => {
      expect(flaws(await play(url, request, fates))).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
