import fc from 'fast-check';
import { expect } from 'vitest';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import { checkProperty } from '../../support/property.ts';
import { compare, script } from '../model.ts';
import { openPostgres, test } from './schema.ts';

test('memory and postgres give equal answers and keep equal rows', async () => {
  await using model = memoryStorage();
  await using subject = await openPostgres();
  let runs = 0;
  const property = fc.asyncProperty(script, async (turns) => {
    runs += 1;
    await compare(model, subject, turns);
  });
  await checkProperty(property, { atLeast: 6, atMost: 500, ms: 8_000 });
  expect(runs).toBeGreaterThan(5);
});
