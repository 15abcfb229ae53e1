import { randomBytes } from 'node:crypto';
import { uuidv7 } from '@ojs-ts/core';
import { startServer } from '@ojs-ts/server';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { findRedis, startRedisCluster } from '../../packages/server/test/support/redis.ts';

interface Body {
  readonly job?: { readonly id: string };
  readonly jobs?: readonly { readonly id: string }[];
  readonly status?: string;
  readonly checks?: Readonly<Record<string, { readonly message?: string }>>;
  readonly events?: readonly unknown[];
}

test.skipIf(findRedis() === null)('a dead node of a cluster stops only its own namespace', async () => {
  await using cluster = await startRedisCluster();
  await using opened = new AsyncDisposableStack();
  const clients = cluster.nodes.map(({ port }) =>
    opened.adopt(new Redis(port, '127.0.0.1'), (client) => client.disconnect()),
  );
  for (const client of clients) {
    client.on('error', () => {});
    await client.config('SET', 'cluster-require-full-coverage', 'no');
  }
  const nameOn = async (node: number): Promise<string> => {
    for (;;) {
      const name = randomBytes(6).toString('hex');
      const slot = (await clients[0]?.cluster('KEYSLOT', `{${name}}`)) ?? 0;
      if (Math.floor(slot / Math.ceil(16_384 / 3)) === node) return name;
    }
  };
  const [home, b, rest] = [await nameOn(0), await nameOn(1), await nameOn(2)];
  const storage = `${cluster.url}?namespaces=${home}:q1;${b}:q2;${rest}:*`;
  const start = () => startServer({ storage, host: '127.0.0.1', port: 0, log: false });
  const one = opened.use(await start());
  const other = opened.use(await start());
  const call = async (url: string, path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') => {
    const response = await fetch(`${url}/ojs/v1${path}`, {
      method,
      headers: { 'content-type': 'application/openjobspec+json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const read: Body = text === '' ? {} : JSON.parse(text);
    return { status: response.status, body: read };
  };
  const job = (queue: string, id?: string) => ({ type: 'x', args: [], options: { queue }, ...(id && { id }) });
  const fetchOne = async (url: string, queue: string, visibility = 60_000) => {
    const request = { queues: [queue], worker_id: 'w', count: 1, visibility_timeout_ms: visibility };
    return (await call(url, '/workers/fetch', request)).body.jobs?.[0]?.id;
  };
  const cron = { name: 'tick', cron: '@every 1s', overlap_policy: 'allow', job_template: job('q1') };
  expect((await call(one.url, '/cron', cron)).status).toBe(201);
  const before = (await call(one.url, '/jobs', job('q1'))).body.job?.id ?? '';
  await call(one.url, '/jobs', job('q3'));
  const leased = await fetchOne(one.url, 'q3', 3_000);
  expect(leased).toBeDefined();

  await cluster.nodes[1]?.kill();
  await expect
    .poll(async () => (await call(one.url, '/health')).body, { timeout: 60_000, interval: 200 })
    .toMatchObject({ status: 'degraded', checks: { parts: { message: expect.stringContaining(b) } } });

  expect((await call(one.url, '/health')).status).toBe(200);
  expect((await call(one.url, '/jobs', job('q2'))).status).toBe(503);
  for (const { url } of [one, other]) {
    for (const id of [undefined, uuidv7()]) expect((await call(url, '/jobs', job('q1', id))).status).toBe(201);
    const calls = [
      await call(url, '/jobs/batch', { jobs: [job('q1'), job('q1')] }),
      await call(url, `/jobs/${before}`),
      await call(url, '/jobs?queue=q1'),
      await call(url, '/jobs'),
      await call(url, '/queues'),
      await call(url, '/events'),
      await call(url, '/workflows', { name: 'w', type: 'chain', steps: [job('q1'), job('q1')] }),
    ];
    expect(calls.map(({ status }) => status).filter((status) => status >= 300)).toEqual([]);
  }
  // Claimed at one server, ended at the other.
  const ends = [
    ['ack', {}],
    ['nack', { error: { code: 'x', message: 'x' } }],
    ['heartbeat', { active_jobs: [] }],
  ] as const;
  for (const [what, more] of ends) {
    await call(one.url, '/jobs', job('q3'));
    const id = await fetchOne(one.url, 'q3');
    expect((await call(other.url, `/workers/${what}`, { job_id: id, worker_id: 'w', ...more })).status).toBe(200);
  }
  expect((await call(other.url, `/jobs/${before}`, undefined, 'DELETE')).status).toBe(200);
  // Upkeep goes on: the lease ends, and the cron fires.
  await expect.poll(() => fetchOne(other.url, 'q3'), { timeout: 60_000, interval: 200 }).toBeDefined();
  const fired = async () => (await call(other.url, '/jobs?queue=q1&limit=1000')).body.jobs?.length ?? 0;
  const count = await fired();
  await expect.poll(fired, { timeout: 60_000, interval: 500 }).toBeGreaterThan(count + 2);

  await cluster.nodes[1]?.restart();
  await expect
    .poll(async () => (await call(other.url, '/health')).body.status, { timeout: 60_000, interval: 200 })
    .toBe('ok');
  await expect
    .poll(async () => (await call(other.url, '/jobs', job('q2'))).status, { timeout: 60_000, interval: 200 })
    .toBe(201);
});
