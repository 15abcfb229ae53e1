import { expect, test } from 'vitest';
import { soak } from '../src/soak/run.ts';
import { busyMs } from './report.ts';

test.each(['memory:', 'sqlite:'])(
  'a server under a steady load is looked at again and again: %s',
  async (storage) => {
    const { samples } = await soak({ storage, samples: 3, every: 1, rate: 100, keep: 20, workers: 1 });
    expect(samples).toHaveLength(3);
    const last = samples.at(-1);
    expect(last?.failed).toBe(0);
    // In the last of the three seconds a busy machine may come to none.
    expect(samples.reduce((sum, { enqueued }) => sum + enqueued, 0)).toBeGreaterThan(0);
    expect(last?.sizes.filter(({ flat }) => flat).map(({ what }) => what)).toEqual(storage === 'memory:' ? ['RSS'] : ['RSS', 'file bytes']);
    for (const { what, value, flat } of last?.sizes ?? []) if (flat) expect(value, what).toBeGreaterThan(0);
  },
  busyMs,
);
