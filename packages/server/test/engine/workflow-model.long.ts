import fc from 'fast-check';
import { expect, test } from 'vitest';
import { urls } from '../support/engine.ts';
import { anyFates, anyWorkflow, flaws, play } from './workflow-model.ts';

test.each(urls)('a thousand random graphs under random crashes, %s', { timeout: 300_000 }, async (url) => {
  await fc.assert(
    fc.asyncProperty(anyWorkflow, anyFates, async (request, fates) => {
      expect(flaws(await play(url, request, fates))).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
