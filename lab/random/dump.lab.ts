import { test } from 'vitest';
import { carries } from '../../packages/server/test/storage/dump.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

test.each(storages)(
  'whatever was done to a store, its dump leaves the same in another one, for half a minute: memory and $name',
  async (storage) => {
    const runs = await carries(storage, { atLeast: 6, atMost: 10_000, ms: 30_000 });
    console.log(`${storage.name}: ${runs} scripts`);
  },
);
