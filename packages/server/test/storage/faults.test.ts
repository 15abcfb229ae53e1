import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { openStorage } from '../../src/storage/open.ts';
import { checkProperty } from '../support/property.ts';
import { storages } from '../support/storages.ts';
import { faultScript, playFaults } from './faults.ts';

test.each(storages)(
  'calls that fail before or after their effect, and are made again, $name: answers and rows of a history without faults',
  async ({ url }) => {
    await using model = memoryStorage();
    await using subject = await openStorage(url());
    await subject.migrate();
    let runs = 0;
    const property = fc.asyncProperty(faultScript, async (script) => {
      runs += 1;
      await playFaults(model, subject, script);
    });
    await checkProperty(property, { atLeast: 6, atMost: 200, ms: 5_000 });
    expect(runs).toBeGreaterThan(5);
  },
);
