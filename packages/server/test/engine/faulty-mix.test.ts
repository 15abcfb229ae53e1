import { expect, test } from 'vitest';
import { storages } from '../support/storages.ts';
import { mix } from './faulty-mix.ts';

const plays = [
  { seed: 1, every: 3 },
  { seed: 2, every: 5 },
  { seed: 3, every: 9 },
];

test.each(storages)(
  'jobs, workflows, a cron and unique jobs on a storage that fails: each done once, $name',
  async ({ url }) => {
    for (const play of plays) {
      const { flaws, faults, ticks } = await mix(url(), { ...play, size: 20 });
      expect(flaws, JSON.stringify(play)).toEqual([]);
      expect(faults).toBeGreaterThan(10);
      expect(ticks).toBeGreaterThan(5);
    }
  },
);
