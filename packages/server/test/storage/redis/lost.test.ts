import { State } from '@ojs-ts/core/job';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { readAddress } from '../../../src/storage/redis/connection/address.ts';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import { claim, claimAll, idOf, ids, insert, move, newJob, t0, to } from '../suite/tools.ts';
import { namespaceUrl, test } from './namespace.ts';

/** A store, and a function that removes a job's bytes, as a crash that tore a script's writes may have done. */
async function open() {
  const url = namespaceUrl();
  await using started = new AsyncDisposableStack();
  const storage = started.use(await redisStorage({ url }));
  await storage.migrate();
  const admin = started.adopt(new Redis(url), (client) => client.disconnect());
  const kept = started.move();
  const prefix = `{${readAddress(url).namespace}}:`;
  const lose = (job: number) => admin.hdel(`${prefix}jobs`, idOf(job));
  return { storage, admin, prefix, lose, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

test('an evicted job stops no claim, promotion, list or prune, and its other keys are removed', async () => {
  await using own = await open();
  const { storage, lose } = own;
  await insert(storage, [
    newJob(1),
    newJob(2),
    newJob(3, { state: State.scheduled, runAt: t0 + 5 }),
    newJob(4, { state: State.scheduled, runAt: t0 + 5 }),
  ]);
  await lose(1);
  await lose(3);
  expect((await storage.jobs.list({ states: 0xff, limit: 9 })).items.map(({ id }) => id)).toEqual([4, 2].map(idOf));
  expect(ids(await claim(storage, { limit: 9 }))).toEqual([idOf(2)]);
  expect(ids(await claim(storage, { limit: 9 }, t0 + 5))).toEqual([idOf(4)]);
  await insert(storage, [newJob(5)]);
  expect(ids(await claim(storage, { limit: 9 }))).toEqual([idOf(5)]);

  await lose(4);
  expect((await storage.upkeep.held(null, 9)).items.map(({ id }) => id)).toEqual([2, 5].map(idOf));
  await storage.upkeep.promote(t0 + 9e9, 9);
  expect((await storage.upkeep.overdue(t0 + 9e9, 9)).map(({ id }) => id)).toEqual([2, 5].map(idOf));

  await move(storage, to(idOf(2), State.completed, State.active));
  await move(storage, to(idOf(5), State.completed, State.active));
  await lose(2);
  const jobs = [{ state: State.completed, deadLetter: false, before: t0 + 9e9, keep: 0 }];
  expect(await storage.upkeep.prune({ jobs }, 0)).toMatchObject({ jobs: [{ gone: 0 }] });
  await storage.upkeep.prune({ jobs }, 9);
  const left = await own.admin.zcard(`${own.prefix}s:16`);
  expect(left).toBe(0);
  expect(await storage.workflows.unfinished(0)).toEqual({ ready: [], sweeping: [] });
});

test('starts that no rate counts any more are removed at once, and a limit shows no more starts than its rates count', async () => {
  await using own = await open();
  const { storage, admin, prefix } = own;
  const limits = [{ key: 'k', concurrency: null, rates: [{ count: 3, perMs: 1000 }] }];
  await insert(storage, [newJob(1, { limits }), newJob(2, { limits })]);
  expect((await claimAll(storage, { limit: 1 })).jobs).toHaveLength(1);
  const many = Array.from({ length: 20_000 }, (_, n) => t0 - 50_000 + n);
  await admin.lpush(`${prefix}starts:k`, ...many.toReversed());
  await admin.config('RESETSTAT');
  const looked = async () => Number(/cmdstat_lpop:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0);
  expect((await claimAll(storage, { limit: 1 }, t0 + 10)).jobs).toHaveLength(1);
  expect(await looked()).toBe(0);
  expect(await admin.llen(`${prefix}starts:k`)).toBe(2);
  expect((await storage.registry.limit('k'))?.starts).toEqual([t0, t0 + 10]);
});

test('statistics and leased jobs of more than one script are listed once, in their order', async () => {
  await using own = await open();
  const { storage, admin, prefix } = own;
  const batch = admin.pipeline();
  for (let n = 0; n < 2500; n++) {
    const name = `${Math.floor(n / 7) * 60_000}:q${n % 7},t`;
    batch.zadd(`${prefix}minutes`, Math.floor(n / 7) * 60_000, name).hset(`${prefix}m:${name}`, 'e', n);
  }
  await batch.exec();
  const minutes = await storage.registry.statistics(0);
  expect(minutes.map(({ enqueued }) => enqueued)).toEqual(Array.from({ length: 2500 }, (_, n) => n));
  expect(await storage.registry.statistics(60_000 * 350)).toHaveLength(50);
});
