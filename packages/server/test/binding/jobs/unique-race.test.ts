import { expect, test } from 'vitest';
import { storages } from '../../support/storages.ts';
import { races } from './unique-race.ts';

test.each(storages)(
  '64 producers with one key: exactly one 201, and the others get the id of the winner (uniq 14.11), $name',
  async (storage) => {
    for await (const { created, duplicates, winners, winner } of races(storage.url(), 64, 20)) {
      expect([created, duplicates]).toEqual([1, 63]);
      expect([...winners]).toEqual([winner]);
    }
  },
);
