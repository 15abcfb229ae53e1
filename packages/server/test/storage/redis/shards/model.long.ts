import fc from 'fast-check';
import { expect } from 'vitest';
import { memoryStorage } from '../../../../src/storage/memory/memory.ts';
import { checkProperty } from '../../../support/property.ts';
import { compare, script } from '../../model.ts';
import { test } from '../namespace.ts';
import { openSharded } from './stores.ts';

/** Records that are not of a cron are in the home, and their jobs would have to be there: `refusals.test.ts`. */
const turnsOfShards = script.map((turns) =>
  turns.map(({ steps, ...turn }) => ({
    ...turn,
    steps: steps.filter(({ name }) => !name.startsWith('commit of jobs')),
  })),
);

test('memory and two namespaces of redis, whose home has no queue, give equal answers and keep equal rows', async () => {
  await using model = memoryStorage();
  await using subject = await openSharded('home:unused;rest:*');
  let runs = 0;
  const property = fc.asyncProperty(turnsOfShards, async (turns) => {
    runs += 1;
    await compare(model, subject, turns);
  });
  await checkProperty(property, { atLeast: 21, atMost: 300, ms: 8_000 });
  expect(runs).toBeGreaterThan(20);
});
