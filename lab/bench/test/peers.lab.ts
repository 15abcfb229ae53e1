import { describe, expect, test } from 'vitest';
import { findPostgres } from '../../../packages/server/test/support/postgres.ts';
import { findRedis } from '../../../packages/server/test/support/redis.ts';
import type { LatencyPoint } from '../src/latency/report.ts';
import { peers } from '../src/peers/contestants.ts';
import type { Contest } from '../src/peers/report.ts';
import type { ScalePoint } from '../src/scale/report.ts';
import { report } from './report.ts';

const kinds = ['sqlite', ...(findPostgres() ? ['postgres'] : []), ...(findRedis() ? ['redis'] : [])] as const;

describe.each(kinds)('on %s', (kind) => {
  test('each peer does the same work as ours, and removes finished jobs where it can', async () => {
    const small = ['--jobs', '100', '--runs', '1', '--scenario', 'enqueue,drain-10,drain-10-deleting,pickup'];
    const contests = await report<readonly Contest[]>('peers/main.ts', '--storage', kind, ...small);
    const all = peers[kind as keyof typeof peers];
    for (const { scenario, series } of contests) {
      const among = all.filter(({ deletes }) => deletes !== null || !scenario.endsWith('-deleting'));
      expect(series.map(({ who }) => who)).toEqual(['embedded', 'http', ...among.map(({ who }) => who)]);
      for (const { figures } of series) {
        const [figure] = figures;
        if (figure?.kind !== 'rate') continue;
        expect(figure.jobsPerSecond).toBeGreaterThan(0);
        expect(figure.cpu?.own).toBeGreaterThan(0);
        expect(figure.cpu?.store === undefined).toBe(kind === 'sqlite');
      }
    }
  });
});

// By hand on PostgreSQL and Redis: two minutes each.
test('ours and each peer have a capacity', async () => {
  const small = ['--load', 'half', '--seconds', '1', '--start', '100'];
  const points = await report<readonly LatencyPoint[]>('latency/main.ts', '--storage', 'sqlite', ...small);
  expect(points.map(({ who }) => who)).toContain('http');
  for (const { capacity, rate } of points) {
    expect(capacity).toBeGreaterThan(0);
    expect(rate).toBe(Math.max(1, Math.round((capacity ?? 0) / 2)));
  }
});

test.runIf(findPostgres())('claims beside an open transaction, and servers on one store', async () => {
  const small = ['--storage', 'postgres', '--curve', 'transaction,servers', '--seconds', '5', '--jobs', '200'];
  const points = await report<readonly ScalePoint[]>('scale/main.ts', ...small);
  const [transaction] = points.flatMap((point) => (point.curve === 'transaction' ? [point.point] : []));
  expect(transaction?.during).toHaveLength(10);
  for (const { claimMs, storeUs } of transaction?.during ?? []) {
    expect(claimMs).toBeGreaterThan(0);
    expect(storeUs).toBeGreaterThan(0);
  }
  expect(transaction?.bytesMost).toBeGreaterThanOrEqual(transaction?.bytesBefore ?? Number.NaN);
  expect(points.map(({ curve, x }) => `${curve} ${x}`)).toContain('servers 4');
});
