import { inspect } from 'node:util';
import { State } from '@ojs-ts/core/job';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { health } from '../../../../src/binding/system.ts';
import { Engine } from '../../../../src/engine/engine.ts';
import { silentLog } from '../../../../src/engine/options.ts';
import { redisStorage } from '../../../../src/storage/redis/redis.ts';
import type { Storage, Wake } from '../../../../src/storage/storage.ts';
import { StoreUnavailable } from '../../../../src/storage/unavailable.ts';
import { freePort } from '../../../support/instance.ts';
import { startRedis } from '../../../support/redis.ts';
import { storeProxy } from '../../../support/store-proxy.ts';
import { claim, insert, newJob, queue } from '../../suite/tools.ts';
import { server } from '../namespace.ts';
import { patiently } from '../patiently.ts';

/** A Redis of the test's own, a proxy in front of it that can go dead, and a connection for commands of operators. */
async function open() {
  await using started = new AsyncDisposableStack();
  const instance = started.use(await startRedis());
  const proxy = started.use(await storeProxy(instance.url));
  const admin = started.adopt(new Redis(instance.url), (client) => client.disconnect());
  const kept = started.move();
  return { instance, proxy, admin, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function connections(admin: Redis): Promise<readonly string[]> {
  const list = String(await admin.client('LIST'));
  return [...list.matchAll(/^id=(\d+)/gm)].map(([, id = '']) => id);
}

test.skipIf(server === null)(
  'calls that a dead network delayed have no effect later, and the client uses a new connection',
  async () => {
    await using own = await open();
    const { proxy, admin, instance } = own;
    await using near = await redisStorage({ url: instance.url });
    await near.migrate();
    await insert(
      near,
      Array.from({ length: 9 }, (_, n) => newJob(n + 1)),
    );
    const before = await connections(admin);
    await using far = await redisStorage({ url: proxy.url, timeoutMs: 4_000 });
    await patiently(() => far.clock());
    // Every script that the connection needs is known to it.
    await claim(far, { limit: 1 });
    const old = (await connections(admin)).filter((id) => !before.includes(id));
    expect(old).toHaveLength(1);

    const dead = proxy.blackHole();
    // This call arrives; its answer is lost.
    const first = claim(far, { limit: 1 });
    const lost = expect(first).rejects.toBeInstanceOf(StoreUnavailable);
    await dead;
    await Promise.all(
      Array.from({ length: 6 }, () => expect(claim(far, { limit: 1 })).rejects.toBeInstanceOf(StoreUnavailable)),
    );
    await lost;
    proxy.heal();
    await patiently(() => far.ping());
    await vi.waitFor(async () => expect(await connections(admin)).not.toContain(old[0]), 60_000);

    expect((await queue(near))?.counts).toEqual({ [State.available]: 7, [State.active]: 2 });
    expect(await patiently(() => claim(far, { limit: 9 }))).toHaveLength(7);
  },
);

test.skipIf(server === null)('the client replaces a dead connection', async () => {
  await using own = await open();
  const { proxy } = own;
  await using far = await redisStorage({ url: proxy.url, timeoutMs: 300 });
  await patiently(() => far.migrate());
  const dead = proxy.blackHole();
  await expect(far.ping()).rejects.toBeInstanceOf(StoreUnavailable);
  await dead;
  await expect(far.ping()).rejects.toThrow(/cannot be reached|does not answer/);
  proxy.heal();
  await patiently(() => far.ping());
});

test.skipIf(server === null)('the client replaces a dead subscription and calls onGap', async () => {
  await using own = await open();
  const { proxy, admin } = own;
  await using far = await redisStorage({ url: proxy.url, timeoutMs: 300 });
  await patiently(() => far.migrate());
  const before = await connections(admin);
  const told: Wake[] = [];
  await using _subscription = await patiently(() => far.subscribe((wakes) => told.push(...wakes)));
  const [listener] = (await connections(admin)).filter((id) => !before.includes(id));
  expect(listener).toBeDefined();
  // After the next ping.
  await proxy.blackHole();
  const known = new Set([...before, listener]);
  const isReplaced = async () => expect((await connections(admin)).every((id) => known.has(id))).toBe(false);
  await vi.waitFor(isReplaced, 60_000);
  proxy.heal();
  await vi.waitFor(() => expect(told).not.toEqual([]), 60_000);
});

test.skipIf(server === null)('a user without the right to publish still gets the answer of a script', async () => {
  await using own = await open();
  const { admin, instance } = own;
  const url = new URL(instance.url);
  [url.username, url.password] = ['app', 'app-secret'];
  await admin.call('ACL', 'SETUSER', 'app', 'on', '>app-secret', '~{ojs}:*', '+@all', 'resetchannels');
  await using storage: Storage = await redisStorage({ url: url.href, timeoutMs: 5000 });
  await expect(storage.migrate()).rejects.toThrow(/publish to the channel \{ojs\}:wake; allow it/);
  await admin.call('ACL', 'SETUSER', 'app', '&*');
  await storage.migrate();
  await admin.call('ACL', 'SETUSER', 'app', 'resetchannels');
  await insert(storage, [newJob(1)]);
  expect(await claim(storage, { limit: 1 })).toHaveLength(1);
  await expect(storage.subscribe(() => {})).rejects.toThrow(/NOPERM/);
  // The connection of the subscription is closed.
  await vi.waitFor(async () => expect(await connections(admin)).toHaveLength(2), 60_000);
});

test('without a server a subscription fails within its timeout, and close does not hang', async () => {
  const storage = await redisStorage({ url: `redis://127.0.0.1:${await freePort()}`, timeoutMs: 300 });
  await expect(storage.subscribe(() => {})).rejects.toBeInstanceOf(StoreUnavailable);
  const patient = await redisStorage({ url: `redis://127.0.0.1:${await freePort()}`, timeoutMs: 600_000 });
  const waits = expect(patient.subscribe(() => {})).rejects.toBeInstanceOf(Error);
  await patient[Symbol.asyncDispose]();
  await waits;
  await storage[Symbol.asyncDispose]();
});

test.skipIf(server === null)('an error contains neither user nor password', async () => {
  await using own = await open();
  const url = new URL(own.instance.url);
  [url.username, url.password] = ['nobody', 'open-sesame'];
  await using storage = await redisStorage({ url: url.href, timeoutMs: 300 });
  const error = await storage.ping().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(StoreUnavailable);
  const { inspect } = await import('node:util');
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/open-sesame/);
});

test.skipIf(server === null)(
  'calls are refused from when Redis is set to evict keys until it is set back',
  async () => {
    await using own = await open();
    const { admin } = own;
    await using storage = await redisStorage({ url: own.proxy.url, timeoutMs: 5000 });
    await storage.migrate();
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await expect(patientlyRefused(() => insert(storage, [newJob(1)]))).resolves.toMatch(/allkeys-lru.*noeviction/);
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await insert(storage, [newJob(1)]);
  },
);

test.skipIf(server === null)(
  'an eviction that is set while the server runs makes it unfit at the next look, without a new connection, and the log says so',
  async () => {
    await using own = await open();
    const { admin, instance } = own;
    const storage = await redisStorage({ url: instance.url });
    const lines: string[] = [];
    const note = (fields: object, message: string) => lines.push(`${message} ${inspect(fields)}`);
    await storage.migrate();
    await using engine = await Engine.start({ storage, log: { ...silentLog, info: note, warn: note, error: note } });
    const about = { version: '0', source: 'ojs://test', testMode: false };
    const asked = async () => (await health(engine, about)).status;
    expect(await asked()).toBe(200);
    for (const policy of ['allkeys-lru', 'volatile-ttl']) {
      await admin.config('SET', 'maxmemory-policy', policy);
      expect(await asked()).toBe(503);
      await expect(insert(storage, [newJob(1)])).rejects.toThrow(new RegExp(`${policy}.*noeviction`));
      await vi.waitFor(() => expect(lines.join('\n')).toMatch(new RegExp(`upkeep failed[^]*${policy}`)), 60_000);
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      expect(await asked()).toBe(200);
      await vi.waitFor(() => expect(lines.at(-1)).toMatch(/upkeep recovered/), 60_000);
    }
    await insert(storage, [newJob(1)]);
  },
);

test.skipIf(server === null)('an eviction is noticed by the calls themselves within 5 s', async () => {
  await using own = await open();
  await using storage = await redisStorage({ url: own.instance.url });
  await storage.migrate();
  await insert(storage, [newJob(1)]);
  await own.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await insert(storage, [newJob(2)]);
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 5_001);
  try {
    // This call goes by what is known, and has the server asked.
    await insert(storage, [newJob(3)]);
    await expect
      .poll(() => insert(storage, [newJob(3)]).catch(String), { timeout: 10_000 })
      .toMatch(/allkeys-lru.*noeviction/);
  } finally {
    clock.mockRestore();
  }
});

/** The first refusal that is not about the connection. */
async function patientlyRefused(call: () => Promise<unknown>): Promise<string> {
  for (;;) {
    const error = await call().catch((error: unknown) => error);
    if (!(error instanceof Error)) throw new Error('It was not refused.');
    if (!/does not answer|cannot be reached/.test(error.message)) return error.message;
  }
}
