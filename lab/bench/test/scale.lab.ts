import { expect, test } from 'vitest';
import { redisUrl } from '../../../packages/server/test/support/redis.ts';
import type { LatencyPoint } from '../src/latency/report.ts';
import { operations } from '../src/scale/cost.ts';
import type { ScalePoint } from '../src/scale/report.ts';
import { busyMs, report } from './report.ts';

const redis = await redisUrl();

const ofJobs = ['waiting', 'finished', 'scheduled', 'saturated'];
const ofNames = ['queues', 'keys'];

// Each point is a process, and on Redis a store too.
test.each([['memory', ofJobs, ofNames] as const, ...(redis === null ? [] : [[redis, ['waiting'], ['keys']] as const])])(
  'each curve has its points on %s, and each operation its cost',
  async (storage, jobs, names) => {
    const curves = [...jobs, ...names];
    const args = ['--storage', storage, '--curve', curves.join(','), '--most', '1000', '--calls', '5'];
    const points = await report<readonly ScalePoint[]>('scale/main.ts', ...args);
    expect(points.map(({ curve, x }) => `${curve} ${x}`)).toEqual([
      ...jobs.map((curve) => `${curve} 1000`),
      ...names.flatMap((curve) => [1, 10, 100, 1_000].map((x) => `${curve} ${x}`)),
    ]);
    for (const one of points) {
      if (!('point' in one) || !('costs' in one.point)) throw new Error(`${one.curve} has no costs`);
      for (const operation of operations) {
        const { nodeUs, storeUs, callMs } = one.point.costs[operation];
        expect(nodeUs).toBeGreaterThan(0);
        expect(callMs).toBeGreaterThan(0);
        expect(storeUs === null).toBe(storage === 'memory');
      }
    }
  },
  busyMs,
);

test(
  'workers and a steady load over HTTP have their figures',
  async () => {
    const workers = ['--storage', 'memory', '--curve', 'workers', '--jobs', '200'];
    const points = await report<readonly ScalePoint[]>('scale/main.ts', ...workers, '--most', '2');
    expect(points.map(({ x }) => x)).toEqual([1, 2]);
    for (const point of points) {
      const figure = 'figure' in point ? point.figure : null;
      expect(figure).toMatchObject({ kind: 'rate', cpu: { own: expect.any(Number) } });
    }
    const load = ['--load', 'idle,steady', '--rate', '50', '--seconds', '1', '--jobs', '5'];
    const latencies = await report<readonly LatencyPoint[]>('latency/main.ts', '--storage', 'memory', ...load);
    expect(latencies.map(({ who, load }) => `${who} ${load}`)).toEqual([
      'embedded idle',
      'http idle',
      'embedded steady',
      'http steady',
    ]);
    for (const { figures } of latencies) {
      const [figure] = figures;
      if (figure === undefined || figure.kind === 'rate') throw new Error('no latency');
      expect(figure.p50).toBeGreaterThan(0);
      expect(figure.max).toBeGreaterThanOrEqual(figure.p99);
    }
  },
  busyMs,
);
