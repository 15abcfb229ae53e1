import { expect, test } from 'vitest';
import { races } from '../../packages/server/test/binding/jobs/unique-race.ts';
import { storages } from '../../packages/server/test/support/storages.ts';

test.each(storages)(
  '64 producers with one key, over and over: exactly one 201 each time, $name',
  async ({ name, url }) => {
    const wanted = name === 'memory' || name === 'sqlite' ? 1_000 : 300;
    let rounds = 0;
    for await (const { created, duplicates } of races(url(), 64, wanted)) {
      expect([created, duplicates]).toEqual([1, 63]);
      rounds++;
    }
    expect(rounds).toBe(wanted);
  },
);
