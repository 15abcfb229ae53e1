import { type NewJob, State } from '@ojs-ts/core/job';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { redisStorage } from '../../packages/server/src/storage/redis/redis.ts';
import type { Storage } from '../../packages/server/src/storage/storage.ts';
import { StoreUnavailable } from '../../packages/server/src/storage/unavailable.ts';
import { patiently } from '../../packages/server/test/storage/redis/patiently.ts';
import { claimOf, countErrors, idOf, newJob, t0, to } from '../../packages/server/test/storage/suite/tools.ts';
import { findRedis, type RedisCluster, startRedisCluster } from '../../packages/server/test/support/redis.ts';
import { storeProxy } from '../../packages/server/test/support/store-proxy.ts';

if (findRedis() === null) test.skip('there is no Redis on this machine', () => {});
else {
  const cluster = await startRedisCluster();
  afterAll(() => cluster[Symbol.asyncDispose]());
  test('the client does not send a script again whose answer was lost', async () => {
    const [node] = cluster.nodes;
    if (!node) throw new Error('The cluster has no node.');
    await using proxy = await storeProxy(node.url);
    const admin = new Redis(node.url);
    const far = new URL(proxy.url);
    const namespace = await namespaceOn(admin);
    try {
      // The node announces the address of the proxy to clients.
      await admin.config('SET', 'cluster-announce-port', far.port);
      await using storage = await redisStorage({
        url: `redis+cluster://127.0.0.1:${far.port}?namespace=${namespace}`,
        timeoutMs: 2000,
      });
      await storage.migrate();
      const record = () => storage.record(['["queue.paused",null,null,"q",null,null,0,null,null,null,null]'], t0);
      await record();
      proxy.cutAnswer(1);
      await expect(record()).rejects.toBeInstanceOf(StoreUnavailable);
      await proxy.settled();
      expect((await patiently(() => storage.events(0, 9))).newest).toBe(2);
    } finally {
      await admin.config('SET', 'cluster-announce-port', '0');
      admin.disconnect();
    }
  });

  test('a namespace moves to another node while 4 clients work: every job runs once', async () => {
    const url = `${cluster.url}?namespace=moving`;
    await using first = await redisStorage({ url });
    // A node may still announce the proxy that the test before has closed.
    await patiently(() => first.migrate());
    const work = { done: [] as string[], total: 6_000 };
    await using others = new AsyncDisposableStack();
    const storages: Storage[] = [first];
    for (let count = 0; count < 3; count++) storages.push(others.use(await redisStorage({ url })));
    const working = Promise.all(storages.map((storage, number) => workOn(storage, number, work)));
    await moveSlot(cluster, '{moving}:');
    expect(work.done.length, 'the move ended before the work').toBeLessThan(work.total);
    await working;
    expect(work.done.toSorted()).toEqual(Array.from({ length: work.total }, (_, number) => idOf(number)).sort());
    expect(await countErrors(first)).toEqual([]);
    const counts = (await first.registry.queues()).map(({ counts }) => counts);
    expect(counts).toEqual([{ [State.completed]: work.total }]);
  });
}

/** A namespace that the first node has: it has the first third of the slots. */
async function namespaceOn(admin: Redis): Promise<string> {
  for (let n = 0; ; n++) if ((await admin.cluster('KEYSLOT', `{near${n}}:`)) < 5000) return `near${n}`;
}

/** Inserts a quarter of the jobs, and meanwhile claims and ends what there is, until all have ended. */
async function workOn(
  storage: Storage,
  number: number,
  work: { readonly done: string[]; readonly total: number },
): Promise<void> {
  const worker = `w${number}`;
  let next = number;
  for (let turn = 0; work.done.length < work.total; turn++) {
    const jobs: NewJob[][] = [];
    for (; jobs.length < 5 && next < work.total; next += 4) jobs.push([newJob(next)]);
    if (jobs.length > 0) await patiently(() => storage.jobs.insert(jobs, t0));
    const claim = claimOf({ worker, request: `${turn}`, limit: 7 });
    const [claimed] = await patiently(() => storage.jobs.claim([claim], t0));
    const ends = (claimed?.jobs ?? []).map(({ id, claim }) => to(id, State.completed, State.active, { claim, worker }));
    if (ends.length === 0) continue;
    const moved = await patiently(() => storage.jobs.transition(ends, t0));
    for (const { kind } of moved) expect(['moved', 'already']).toContain(kind);
    work.done.push(...ends.map(({ id }) => id));
  }
}

/** Moves the slot of a key to another node as operators do: key by key, while clients work. */
async function moveSlot(cluster: RedisCluster, key: string): Promise<void> {
  const clients = cluster.nodes.map(({ port }) => new Redis(port, '127.0.0.1'));
  const [some] = clients;
  if (!some) throw new Error('The cluster has no node.');
  const slot = await some.cluster('KEYSLOT', key);
  const sizes = await Promise.all(clients.map((client) => client.cluster('COUNTKEYSINSLOT', slot)));
  const from = sizes.findIndex((size) => size > 0);
  const at = (from + 1) % clients.length;
  const [source, target] = [clients[from], clients[at]];
  if (!source || !target) throw new Error('No node has the slot.');
  const [sourceId, targetId] = await Promise.all([source.cluster('MYID'), target.cluster('MYID')]);
  await target.cluster('SETSLOT', slot, 'IMPORTING', sourceId);
  await source.cluster('SETSLOT', slot, 'MIGRATING', targetId);
  for (;;) {
    const keys = await source.cluster('GETKEYSINSLOT', slot, 5);
    if (keys.length === 0) break;
    await source.migrate('127.0.0.1', cluster.nodes[at]?.port ?? 0, '', 0, 5000, 'KEYS', ...keys);
  }
  await target.cluster('SETSLOT', slot, 'NODE', targetId);
  await source.cluster('SETSLOT', slot, 'NODE', targetId);
  for (const client of clients) client.disconnect();
}
