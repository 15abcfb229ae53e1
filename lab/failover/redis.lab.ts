import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import {
  findRedis,
  type RedisCluster,
  startRedis,
  startRedisCluster,
  startRedisPair,
} from '../../packages/server/test/support/redis.ts';
import { type Figures, Load } from './load.ts';

/** Replication is asynchronous: what the replica had not received when its master died may be lost. */
const lagMs = 2_000;
const longestMs = 60_000;

/** No job is lost but those that were acknowledged shortly before one of the moments. */
function expectLostOnlyAt({ lost }: Figures, load: Load, moments: readonly number[]): void {
  const at = (id: string) => load.acknowledged.get(id)?.at ?? 0;
  const other = lost.filter((id) => !moments.some((moment) => Math.abs(at(id) - moment) < lagMs));
  expect(other).toEqual([]);
}

describe.skipIf(findRedis() === null)('Redis', () => {
  test('everysec, killed four times', async () => {
    await using redis = await startRedis({ appendonly: 'everysec' });
    await using load = await Load.start(redis.url, { servers: 2 });
    for (let count = 0; count < 4; count++) {
      await redis.kill();
      await redis.restart();
      await load.goesOn(100);
    }
    const figures = await load.finish('Redis everysec, killed four times', redis.url);
    // The process is killed, not the machine: the kernel writes what it has.
    expect(figures.lost).toEqual([]);
    expect(figures.longestMs).toBeLessThan(longestMs);
  });
});

describe.skipIf(findRedis() === null)('Sentinel', () => {
  test('a master is killed', async () => {
    await using pair = await startRedisPair();
    await using load = await Load.start(pair.url, { servers: 2 });
    const killed = performance.now();
    await pair.master.kill();
    await load.goesOn();
    const figures = await load.finish('Sentinel, master killed', pair.url);
    expectLostOnlyAt(figures, load, [killed]);
    expect(figures.longestMs).toBeLessThan(longestMs);
  });

  test('a master hangs until the replica is promoted, and goes on', async () => {
    await using pair = await startRedisPair();
    await using load = await Load.start(pair.url, { servers: 2 });
    const stopped = performance.now();
    await pair.master.freeze();
    await load.goesOn();
    const thawed = performance.now();
    await pair.master.thaw();
    await load.goesOn();
    const figures = await load.finish('Sentinel, master hangs', pair.url);
    expectLostOnlyAt(figures, load, [stopped, thawed]);
    expect(figures.longestMs).toBeLessThan(longestMs);
  });

  test('a planned failover', async () => {
    await using pair = await startRedisPair();
    await using load = await Load.start(pair.url, { servers: 2 });
    const sentinel = new Redis(Number(new URL(pair.url.replace('redis+sentinel', 'http')).port), '127.0.0.1');
    const old = new Redis(pair.master.port, '127.0.0.1');
    try {
      await sentinel.call('SENTINEL', 'FAILOVER', 'ojs');
      const asked = performance.now();
      await load.until(async () => (await old.info('replication')).includes('role:slave'));
      await load.goesOn();
      const figures = await load.finish('Sentinel, planned failover', pair.url);
      // The old master takes writes for ten seconds longer than the servers write to it.
      const times = figures.lost.map((id) => load.acknowledged.get(id)?.at ?? 0);
      expect(Math.max(asked, ...times) - Math.min(...times, asked)).toBeLessThan(5_000);
      expect(figures.longestMs).toBeLessThan(longestMs);
    } finally {
      sentinel.disconnect();
      old.disconnect();
    }
  });
});

/** A store of three namespaces, each on a node of its own: q1 in the first, q2 in the second. */
async function threeNamespaces(cluster: RedisCluster, clients: readonly Redis[]) {
  for (const client of clients) {
    client.on('error', () => {});
    await client.config('SET', 'cluster-require-full-coverage', 'no');
  }
  const nameOn = async (node: number): Promise<{ readonly name: string; readonly slot: number }> => {
    for (;;) {
      const name = randomBytes(6).toString('hex');
      const slot = (await clients[0]?.cluster('KEYSLOT', `{${name}}`)) ?? 0;
      if (Math.floor(slot / Math.ceil(16_384 / 3)) === node) return { name, slot };
    }
  };
  const [home, second, rest] = [await nameOn(0), await nameOn(1), await nameOn(2)];
  return { url: `${cluster.url}?namespaces=${home.name}:q1;${second.name}:q2;${rest.name}:*`, slot: second.slot };
}

function clientsOf(cluster: RedisCluster, opened: AsyncDisposableStack): readonly Redis[] {
  return [...cluster.nodes, ...cluster.replicas].map(({ port }) =>
    opened.adopt(new Redis(port, '127.0.0.1'), (client) => client.disconnect()),
  );
}

describe.skipIf(findRedis() === null)('Redis Cluster', () => {
  const queues = ['q1', 'q2'];

  test('a master is killed: its replica takes over, and the other namespaces go on', async () => {
    await using cluster = await startRedisCluster({ replicas: true });
    await using opened = new AsyncDisposableStack();
    const { url } = await threeNamespaces(cluster, clientsOf(cluster, opened));
    await using load = await Load.start(url, { servers: 2, queues });
    const killed = performance.now();
    await cluster.nodes[1]?.kill();
    await load.goesOn(200, 'q2');
    console.log(`longest of q1 ${load.longestMs('q1')} ms, of q2 ${load.longestMs('q2')} ms`);
    const figures = await load.finish('Cluster, master killed', url);
    expectLostOnlyAt(figures, load, [killed]);
    expect(figures.longestMs).toBeLessThan(longestMs);
  });

  test('CLUSTER FAILOVER', async () => {
    await using cluster = await startRedisCluster({ replicas: true });
    await using opened = new AsyncDisposableStack();
    const clients = clientsOf(cluster, opened);
    const { url } = await threeNamespaces(cluster, clients);
    await using load = await Load.start(url, { servers: 2, queues });
    await clients[4]?.call('CLUSTER', 'FAILOVER');
    await load.goesOn(200, 'q2');
    const figures = await load.finish('Cluster, planned failover', url);
    expect(figures.lost).toEqual([]);
    expect(figures.longestMs).toBeLessThan(longestMs);
  });

  test('a slot moves to another node', async () => {
    await using cluster = await startRedisCluster();
    await using opened = new AsyncDisposableStack();
    const clients = clientsOf(cluster, opened);
    const { url, slot } = await threeNamespaces(cluster, clients);
    await using load = await Load.start(url, { servers: 2, queues });
    const [, from, to] = clients;
    if (!from || !to) throw new Error('The cluster has fewer than three nodes.');
    const [source, target] = [String(await from.call('CLUSTER', 'MYID')), String(await to.call('CLUSTER', 'MYID'))];
    await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
    await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
    for (;;) {
      const keys = await from.call('CLUSTER', 'GETKEYSINSLOT', slot, 10);
      if (!Array.isArray(keys) || keys.length === 0) break;
      await from.call('MIGRATE', '127.0.0.1', cluster.nodes[2]?.port ?? 0, '', 0, 5_000, 'KEYS', ...keys.map(String));
    }
    for (const client of [to, from, ...clients]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target);
    await load.goesOn(200, 'q2');
    const figures = await load.finish('Cluster, slot moved', url);
    expect(figures.lost).toEqual([]);
    expect(figures.longestMs).toBeLessThan(longestMs);
  });

  test('both nodes of a namespace are dead: the others go on', async () => {
    await using cluster = await startRedisCluster({ replicas: true });
    await using opened = new AsyncDisposableStack();
    const { url } = await threeNamespaces(cluster, clientsOf(cluster, opened));
    await using load = await Load.start(url, { servers: 2, queues });
    await cluster.replicas[1]?.kill();
    await cluster.nodes[1]?.kill();
    const dead = performance.now();
    await load.goesOn(400, 'q1');
    await pause(10_000);
    expect(load.acksAfter(dead + 5_000, 'q1')).toBeGreaterThan(100);
    expect(load.acksAfter(dead, 'q2')).toBe(0);
    expect(await load.health()).toMatchObject({ status: 200, body: { status: 'degraded' } });
    console.log(`longest of q1 ${load.longestMs('q1')} ms`);
    // Without a file the node begins empty: what it had is gone, and new jobs of its namespace are taken again.
    await cluster.nodes[1]?.restart();
    await load.goesOn(100, 'q2');
    await load.until(async () => (await load.health()).body.status === 'ok');
    const { lost } = await load.finish('Cluster, both nodes dead', url);
    expect(lost.filter((id) => load.acknowledged.get(id)?.queue === 'q1')).toEqual([]);
  });
});
