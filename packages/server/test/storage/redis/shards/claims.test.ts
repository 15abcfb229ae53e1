import { State } from '@ojs-ts/core/job';
import { afterEach, describe, expect, test } from 'vitest';
import { redisStorage } from '../../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { claim, claimAll, claimOf, idOf, ids, insert, limitOf, newJob, t0, to } from '../../suite/tools.ts';
import { server } from '../namespace.ts';
import { openSharded, urlOf } from './stores.ts';

const map = 'home:emails;b:reports,sums;rest:*';
const queues = ['reports', 'emails', 'sums', 'other'];
const job = (number: number, queue: string, patch: Parameters<typeof newJob>[1] = {}) =>
  newJob(number, { queue, ...patch });

const opened: Storage[] = [];
afterEach(async () => {
  for (const storage of opened.splice(0)) await storage[Symbol.asyncDispose]();
});

async function open(): Promise<Storage> {
  const storage = await openSharded(map);
  opened.push(storage);
  return storage;
}

describe.skipIf(server === null)('a fetch across namespaces', () => {
  test('asks each namespace once, in the order of the queues, until it has enough', async () => {
    const storage = await open();
    await insert(storage, [job(1, 'other'), job(2, 'emails'), job(3, 'sums'), job(4, 'reports'), job(5, 'emails')]);
    const claims = [
      claimOf({ queues, limit: 3 }),
      claimOf({ queues: ['nowhere'] }),
      claimOf({ queues: ['emails'] }),
      claimOf({ queues: ['sums', 'other'], limit: 9 }),
    ];
    const answers = await storage.jobs.claim(claims, t0);
    expect(answers.map(({ jobs }) => ids(jobs))).toEqual([[4, 3, 5].map(idOf), [], [idOf(2)], [idOf(1)]]);
    expect(ids(await claim(storage, { queues, limit: 9 }))).toEqual([]);
  });

  test('its repeat gets the jobs of all namespaces that its claim still holds, whatever has come since', async () => {
    const storage = await open();
    const fetch = { queues, limit: 3, request: 'r' };
    expect(await claim(storage, fetch)).toEqual([]);
    await insert(storage, [job(1, 'emails'), job(2, 'other')]);
    const first = await claim(storage, fetch);
    expect(ids(first)).toEqual([1, 2].map(idOf));
    await insert(storage, [job(3, 'reports'), job(4, 'emails')]);
    expect(await claim(storage, fetch)).toEqual(first);
    expect(await claim(storage, { ...fetch, limit: 1 })).toEqual(first);
    expect(await storage.jobs.claimsOf([{ request: 'r', worker: 'w1' }])).toEqual([
      first.map(({ id, claim }) => ({ id, claim })),
    ]);
    await storage.jobs.transition([to(idOf(1), State.completed, State.active)], t0);
    expect(ids(await claim(storage, fetch))).toEqual([idOf(2)]);
    await storage.jobs.transition([to(idOf(2), State.completed, State.active)], t0);
    expect(await claimAll(storage, fetch)).toEqual({ jobs: [], again: null });
    expect(ids(await claim(storage, { ...fetch, request: 'another' }))).toEqual([3, 4].map(idOf));
  });

  test('it keeps to the bytes of its call, and a claim without a job is to be made again', async () => {
    const storage = await open();
    await insert(storage, [job(1, 'reports'), job(2, 'emails'), job(3, 'emails')]);
    const claims = [claimOf({ queues, limit: 9 }), claimOf({ queues: ['sums', 'emails'] })];
    const answers = await storage.jobs.claim(claims, t0, 1);
    expect(answers.map(({ jobs, deferred }) => [ids(jobs), deferred])).toEqual([
      [[idOf(1)], undefined],
      [[], true],
    ]);
    expect(ids(await claim(storage, { queues, limit: 9 }))).toEqual([2, 3].map(idOf));
  });

  test('it says when the first rate of its namespaces lets the next job start', async () => {
    const storage = await open();
    const limit = (key: string, perMs: number) => [limitOf(key, { rates: [{ count: 1, perMs }] })];
    for (const first of [1, 3])
      await insert(storage, [
        job(first, 'emails', { limits: limit('e', 300) }),
        job(first + 1, 'reports', { limits: limit('r', 200) }),
      ]);
    expect(await claimAll(storage, { queues, limit: 2 })).toMatchObject({ again: null, jobs: [{}, {}] });
    expect(await claimAll(storage, { queues, limit: 2 })).toEqual({ jobs: [], again: t0 + 200 });
  });
});

test.skipIf(server === null)('two servers share a fetch that is repeated at the other one', async () => {
  const url = urlOf(map);
  await using one = await redisStorage({ url });
  await using two = await redisStorage({ url });
  for (const storage of [one, two]) await storage.migrate();
  await insert(one, [job(1, 'emails'), job(2, 'reports')]);
  const fetch = { queues, limit: 5, request: 'r' };
  const first = await claim(one, fetch);
  await insert(one, [job(3, 'other')]);
  expect(await claim(two, fetch)).toEqual(first);
});
