import { State } from '@ojs-ts/core/job';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import { StoreUnavailable } from '../../../src/storage/unavailable.ts';
import { survivesFullness } from '../../support/full-store.ts';
import { type RedisOptions, startRedis } from '../../support/redis.ts';
import { claim, claimAll, eventLog, idOf, ids, insert, move, newJob, queue, t0, to } from '../suite/tools.ts';
import { test } from './namespace.ts';

/** A Redis of the test's own with a store on it, and a connection for commands of operators. */
async function open(options: RedisOptions = {}) {
  await using started = new AsyncDisposableStack();
  const instance = started.use(await startRedis(options));
  const storage = started.use(await redisStorage({ url: instance.url, timeoutMs: 5000 }));
  await storage.migrate();
  const admin = started.adopt(new Redis(instance.url), (client) => client.disconnect());
  // The tests kill the server.
  admin.on('error', () => {});
  const kept = started.move();
  return { instance, storage, admin, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const it = testWith(open);

it('after SCRIPT FLUSH the client sends a script again, and each call runs once', async ({ storage, admin }) => {
  await insert(storage, [newJob(1)]);
  await admin.script('FLUSH');
  await insert(storage, [newJob(2)]);
  await admin.script('FLUSH');
  // Calls of several kinds at the same time.
  const [, , moved] = await Promise.all([
    insert(storage, [newJob(3)]),
    claim(storage, { limit: 1 }),
    move(storage, to(idOf(2), State.cancelled, State.available)),
  ]);
  expect(moved.kind).toBe('moved');
  await admin.script('FLUSH');
  expect(ids(await claim(storage, { limit: 9 }))).toEqual([idOf(3)]);
  expect((await eventLog(storage)).map(({ kind }) => kind).sort()).toEqual(
    ['job.enqueued', 'job.enqueued', 'job.enqueued', 'job.started', 'job.started', 'job.state_changed'].sort(),
  );
});

it('Redis without free memory refuses new jobs, and the jobs that it has can start and end', async (own) => {
  const { storage, admin } = own;
  const full = async () => admin.config('SET', 'maxmemory', '1');
  await insert(storage, [newJob(1), newJob(2), newJob(3, { state: State.scheduled, runAt: t0 + 1 })]);
  await full();
  const refused = insert(storage, [newJob(4)]);
  await expect(refused).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(refused).rejects.toThrow(/no memory left/);
  // Refused before anything was written.
  expect(await storage.jobs.get([idOf(4)])).toEqual([null]);
  expect((await queue(storage))?.counts).toEqual({ [State.available]: 2, [State.scheduled]: 1 });
  expect((await storage.events(0, 99)).newest).toBe(3);

  const { jobs } = await claimAll(storage, { request: 'r', limit: 9 }, t0 + 1);
  expect(ids(jobs)).toEqual([1, 2, 3].map(idOf));
  const holds = jobs.map(({ id, claim }) => ({ id, claim }));
  const [beaten] = await storage.registry.beat(
    [{ worker: 'w1', holds, leaseMs: null, state: 'running', info: '{}' }],
    t0 + 2,
  );
  expect(beaten?.extended).toHaveLength(3);
  for (const { id, claim } of jobs)
    expect((await move(storage, to(id, State.completed, State.active, { claim, result: '1' }))).kind).toBe('moved');
  expect(await storage.upkeep.overdue(t0 + 9e9, 9)).toEqual([]);
  expect(await storage.upkeep.lease('l', 'me', 9, t0)).toBe(true);
  const jobRules = [{ state: State.completed, deadLetter: false, before: t0 + 9e9, keep: 0 }];
  expect(await storage.upkeep.prune({ jobs: jobRules }, 9)).toMatchObject({ jobs: [{ gone: 3 }] });
  await storage.jobs.remove([idOf(1)], { from: 0xff }, t0);
  expect((await storage.jobs.list({ states: 0xff, limit: 9 })).items).toEqual([]);

  await admin.config('SET', 'maxmemory', '0');
  await insert(storage, [newJob(4)]);
  expect(ids(await claim(storage, { limit: 9 }, t0 + 1))).toEqual([idOf(4)]);
});

it('while Redis has no free memory the server answers writes with 503 and Retry-After, and reads work', async (own) => {
  const limit = (bytes: number) => own.admin.config('SET', 'maxmemory', bytes);
  await survivesFullness(own.instance.url, { fill: () => limit(1), free: () => limit(0) });
});

it('migrate refuses a Redis that may evict keys when its memory is full', async (own) => {
  await own.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await using storage = await redisStorage({ url: own.instance.url });
  await expect(storage.migrate()).rejects.toThrow(/allkeys-lru.*noeviction/);
});

it('migrate refuses a layout that is newer than this code', async ({ storage, admin }) => {
  await admin.hset('{ojs}:layout', 'version', 99);
  await expect(storage.migrate()).rejects.toThrow(/has layout 99; .* knows 6/);
  expect(await storage.layout()).toEqual({ from: 99, to: 6, steps: [] });
  await admin.hset('{ojs}:layout', 'version', 3);
  await expect(storage.migrate()).rejects.toThrow(/has layout 3 of a version before the first release/);
  await expect(storage.layout()).rejects.toThrow(/before the first release/);
});

test('traits say what a crash of Redis may lose', async () => {
  await using own = await open({ appendonly: 'always' });
  expect(own.storage.traits.durability).toMatch(/on disk before it is answered/);
  await own.admin.config('SET', 'appendfsync', 'everysec');
  await own.storage.migrate();
  expect(own.storage.traits.durability).toMatch(/about a second/);
});

test('calls to a stopped Redis fail within their timeout, and work again after its start', async () => {
  await using own = await open({ appendonly: 'always' });
  const { storage, instance } = own;
  await insert(storage, [newJob(1)]);
  await instance.kill();
  const refused = insert(storage, [newJob(2)]);
  await expect(refused).rejects.toBeInstanceOf(StoreUnavailable);
  await instance.restart();
  await insert(storage, [newJob(3)]);
  expect(ids(await claim(storage, { limit: 9 }))).toContain(idOf(1));
});

it('the message of a refusal has neither the script nor the job', async (own) => {
  await own.admin.set('{ojs}:queues', 'no hash');
  const error = await insert(own.storage, [newJob(1, { envelope: '"secret"' })]).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(Error);
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/secret|local function/);
});
