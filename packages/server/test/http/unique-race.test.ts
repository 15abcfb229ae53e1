import { expect, test } from 'vitest';
import { races } from './unique-race.ts';

test.each(['memory:', 'sqlite:'])(
  '64 producers with one key: exactly one 201, and the others are told who won (uniq 14.11), %s',
  async (storage) => {
    for await (const { created, duplicates, winners, winner } of races(storage, 64, 20)) {
      expect([created, duplicates]).toEqual([1, 63]);
      expect([...winners]).toEqual([winner]);
    }
  },
);
