import { State } from '@ojs-ts/core';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { findRedis, startRedisPair } from '../../support/redis.ts';
import { claimOf, countErrors, idOf, newJob, t0, to } from '../suite/tools.ts';
import { patiently } from './patiently.ts';

const total = 3_000;

test.skipIf(findRedis() === null).each(['?namespace=one', '?namespaces=home:unused;rest:*'])(
  'when the master dies, its replica takes over within the sentinel’s time, with every received change (%s)',
  async (namespaces) => {
    await using pair = await startRedisPair();
    await using opened = new AsyncDisposableStack();
    const storages: Storage[] = [];
    for (let count = 0; count < 3; count++)
      storages.push(opened.use(await redisStorage({ url: `${pair.url}${namespaces}`, timeoutMs: 1000 })));
    const [first] = storages;
    if (!first) throw new Error('There is no client.');
    await first.migrate();
    const work = { told: new Set<string>(), done: new Set<string>(), isOver: false };
    const working = Promise.all(storages.map((storage, number) => workOn(storage, number, work)));
    while (work.told.size < total / 3) await new Promise((resolve) => setImmediate(resolve));

    const client = opened.adopt(new Redis(pair.master.port, '127.0.0.1', { retryStrategy: () => null }), (one) =>
      one.disconnect(),
    );
    client.on('error', () => {});
    const [told, done] = [[...work.told], [...work.done]];
    // On a connection of its own WAIT waits for nothing: a write comes first.
    await client.set('fence', '1');
    expect(await client.wait(1, 5000)).toBe(1);
    await pair.master.kill();
    const killed = performance.now();
    const before = work.told.size;
    while (work.told.size === before) await new Promise((resolve) => setImmediate(resolve));
    // Five seconds of silence, the promotion, and the clients' next question to the sentinel.
    expect(performance.now() - killed).toBeLessThan(60_000);
    while (work.told.size < total) await new Promise((resolve) => setImmediate(resolve));
    work.isOver = true;
    await working;

    const jobs = await patiently(() => first.jobs.get(told));
    expect(jobs.filter((job) => job === null)).toEqual([]);
    const ended = await first.jobs.get(done);
    expect(ended.filter((job) => job?.state !== State.completed)).toEqual([]);
    expect(await countErrors(first)).toEqual([]);
  },
);

/**
 * Inserts a share of the jobs, and meanwhile claims and ends what there is. A call whose answer was lost is repeated.
 */
async function workOn(
  storage: Storage,
  number: number,
  work: { readonly told: Set<string>; readonly done: Set<string>; isOver: boolean },
): Promise<void> {
  const worker = `w${number}`;
  for (let turn = 0, next = number; !work.isOver; turn++, next += 3) {
    if (next < total) {
      await patiently(() => storage.jobs.insert([[newJob(next)]], t0));
      work.told.add(idOf(next));
    }
    const [claimed] = await patiently(() =>
      storage.jobs.claim([claimOf({ worker, request: `${turn}`, limit: 2 })], t0),
    );
    const ends = (claimed?.jobs ?? []).map(({ id, claim }) => to(id, State.completed, State.active, { claim, worker }));
    if (ends.length === 0) continue;
    await patiently(() => storage.jobs.transition(ends, t0));
    for (const { id } of ends) work.done.add(id);
  }
}
