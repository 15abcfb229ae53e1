import { expect, test } from 'vitest';
import { races } from './unique-race.ts';

test.each(['memory:', 'sqlite:'])(
  '64 producers with one key, a thousand times over: exactly one 201 each time, %s',
  { timeout: 180_000 },
  async (storage) => {
    let rounds = 0;
    for await (const { created, duplicates } of races(storage, 64, 1_000)) {
      expect([created, duplicates]).toEqual([1, 63]);
      rounds++;
    }
    expect(rounds).toBe(1_000);
  },
);
