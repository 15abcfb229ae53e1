import fc from 'fast-check';
import { test } from 'vitest';
import { memoryStorage } from '../../packages/server/src/storage/memory/memory.ts';
import { openStorage } from '../../packages/server/src/storage/open.ts';
import { compare, script } from '../../packages/server/test/storage/model.ts';
import { checkProperty } from '../../packages/server/test/support/property.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

test.each(storages.filter(({ name }) => name !== 'memory'))(
  'memory and $name give equal answers and keep equal rows, for 25 s',
  async ({ name, url }) => {
    await using model = memoryStorage();
    await using subject = await openStorage(url());
    await subject.migrate();
    let runs = 0;
    const property = fc.asyncProperty(script, async (turns) => {
      runs += 1;
      await compare(model, subject, turns);
    });
    await checkProperty(property, { atLeast: 21, atMost: 10_000, ms: 25_000 });
    console.log(`${name}: ${runs} scripts`);
  },
);
