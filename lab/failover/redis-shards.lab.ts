import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { redisStorage } from '../../packages/server/src/storage/redis/redis.ts';
import type { Storage } from '../../packages/server/src/storage/storage.ts';
import { skip } from '../../packages/server/test/storage/redis/shards/cross-shard.ts';
import { exerciseStorage } from '../../packages/server/test/storage/suite/exercise.ts';
import { insert, newJob } from '../../packages/server/test/storage/suite/tools.ts';
import { findRedis, startRedisCluster } from '../../packages/server/test/support/redis.ts';

if (findRedis() === null) test.skip('there is no Redis on this machine', () => {});
else {
  const cluster = await startRedisCluster();
  afterAll(() => cluster[Symbol.asyncDispose]());
  const clients = cluster.nodes.map(({ port }) => new Redis(port, '127.0.0.1'));
  afterAll(() => {
    for (const client of clients) client.disconnect();
  });

  /** A name whose hash tag is in a slot of that third of them: of that node. */
  const nameOn = async (node: number): Promise<string> => {
    for (;;) {
      const name = randomBytes(6).toString('hex');
      if (Math.floor(((await clients[0]?.cluster('KEYSLOT', `{${name}}`)) ?? 0) / Math.ceil(16_384 / 3)) === node)
        return name;
    }
  };
  const open = async (events: boolean): Promise<Storage> => {
    const [home, second, rest] = [await nameOn(0), await nameOn(1), await nameOn(2)];
    const storage = await redisStorage({
      url: `${cluster.url}?namespaces=${home}:quiet,third;${second}:a,b,c;${rest}:*`,
      events,
    });
    await storage.migrate();
    return storage;
  };
  exerciseStorage({
    name: 'redis, three namespaces on three nodes of a cluster',
    open: () => open(true),
    openUnlogged: () => open(false),
    skip,
  });

  test('each node has the jobs of its namespace', async () => {
    for (const client of clients) await client.flushall();
    await using storage = await open(true);
    await insert(storage, [newJob(1, { queue: 'third' }), newJob(2, { queue: 'a' }), newJob(3)]);
    for (const client of clients) expect((await client.keys('*:jobs')).length).toBe(1);
    expect(await storage.events(0, 9)).toMatchObject({ newest: 3 });
  });
}
