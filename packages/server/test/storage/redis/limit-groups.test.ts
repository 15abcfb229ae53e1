import { expect } from 'vitest';
import type { Wake } from '../../../src/storage/storage.ts';
import { claim, idOf, ids, limitOf, newJob, t0 } from '../suite/tools.ts';
import { openRedis, test } from './namespace.ts';

const closed = { concurrency: 0, rates: [] };

test('a claim that meets more than 500 limit groups closed by another key stops, wakes the queue, and the next claim continues', async () => {
  await using storage = await openRedis();
  const keys = Array.from({ length: 1100 }, (_, index) => `a${index}`);
  const jobs = keys.map((key, number) =>
    newJob(number, { priority: 1, limits: [limitOf(key, { concurrency: 0 }), limitOf('z')] }),
  );
  await storage.jobs.insert([[...jobs, newJob(2000)]], t0);
  // Its own key reopens each group; then the common key closes.
  await Promise.all(keys.map((key) => storage.registry.overrideLimit(key, { concurrency: 1, rates: [] }, t0)));
  await storage.registry.overrideLimit('z', closed, t0);
  let woken = (_: Wake) => {};
  const wake = new Promise<Wake>((resolve) => {
    woken = resolve;
  });
  await using _ = await storage.subscribe((news) => news.filter(({ kind }) => kind === 'queue').forEach(woken));
  expect(await claim(storage, { limit: 5 })).toEqual([]);
  expect(await wake).toEqual({ kind: 'queue', queue: 'default' });
  expect(await claim(storage, { limit: 5 })).toEqual([]);
  expect(ids(await claim(storage, { limit: 5 }))).toEqual([idOf(2000)]);
  await storage.registry.overrideLimit('z', { concurrency: 2, rates: [] }, t0);
  expect(ids(await claim(storage, { limit: 5 }))).toEqual([idOf(0), idOf(1)]);
});

test('a rate forgets thousands of starts that are too old to count', async () => {
  await using storage = await openRedis();
  const rate = limitOf('k', { rates: [{ count: 3000, perMs: 1000 }] });
  await storage.jobs.insert([Array.from({ length: 3002 }, (_, number) => newJob(number, { limits: [rate] }))], t0);
  expect(await claim(storage, { limit: 3002 })).toHaveLength(3000);
  expect((await storage.registry.limit('k'))?.starts).toHaveLength(3000);
  expect(await claim(storage, { limit: 3002 }, t0 + 1000)).toHaveLength(2);
  expect((await storage.registry.limit('k'))?.starts).toEqual([t0 + 1000, t0 + 1000]);
});
