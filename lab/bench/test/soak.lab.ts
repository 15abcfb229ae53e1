import { expect, test } from 'vitest';
import { soak } from '../src/soak/run.ts';
import { busyMs } from './report.ts';

test.each(['memory:', 'sqlite:'])(
  'a server under a steady load is looked at again and again: %s',
  async (storage) => {
    const run = async (every: number) =>
      (await soak({ storage, samples: 3, every, rate: 100, keep: 20, workers: 1 })).samples;
    let samples = await run(1);
    // In the first seconds of its life the producer may come to nothing on a busy machine.
    for (let every = 4; samples.every(({ enqueued }) => enqueued === 0) && every < 100; every *= 4)
      samples = await run(every);
    expect(samples).toHaveLength(3);
    const last = samples.at(-1);
    expect(last?.failed).toBe(0);
    expect(samples.some(({ enqueued }) => enqueued > 0)).toBe(true);
    expect(last?.sizes.filter(({ flat }) => flat).map(({ what }) => what)).toEqual(
      storage === 'memory:' ? ['RSS'] : ['RSS', 'file bytes'],
    );
    for (const { what, value, flat } of last?.sizes ?? []) if (flat) expect(value, what).toBeGreaterThan(0);
  },
  busyMs,
);
