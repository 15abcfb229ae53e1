import { setTimeout as pause } from 'node:timers/promises';
import { openStorage } from '@ojs-ts/server';
import { Fixture } from '../../fixture.ts';
import type { Curve } from '../curve.ts';

const part = 10_000;

/** Retention deletes a long backlog at the price of a short one, and as fast as jobs end. */
export const curve: Curve = {
  name: 'retention',
  of: 'finished jobs',
  storages: ['sqlite', 'postgres', 'redis'],
  sizes: { small: [4_000, 30_000], big: [10_000, 500_000] },
  bounds: [
    { what: 'a job that is deleted', kind: 'growth', bound: 1.3 },
    { what: 'deleted in a second', kind: 'value', bound: 3_000, unit: 'jobs', least: true },
  ],
  async measure(bench, size) {
    {
      await using storage = await openStorage(bench.url);
      const fixture = await Fixture.open(storage);
      for (let made = 0; made < size; made += part) {
        const count = Math.min(part, size - made);
        await fixture.insert(count);
        for (let left = count; left > 0; ) {
          const jobs = await fixture.claim(Math.min(left, storage.traits.maxBatch));
          await fixture.complete(jobs);
          left -= jobs.length;
        }
      }
    }
    const from = performance.now();
    await bench.cost('a job that is deleted', size, async () => {
      const engine = await bench.engine({ retention: { keep: 1, completedMs: 1_000, eventsMs: 1_000 } });
      const left = async () => (await engine.storage.jobs.list({ states: 128 | 16 | 64, limit: 2, offset: 0 })).items;
      while ((await left()).length > 1) await pause(100);
    });
    bench.note('deleted in a second', { jobs: (size / (performance.now() - from)) * 1_000 });
  },
};
