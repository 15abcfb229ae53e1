import { describe, expect, test } from 'vitest';
import { bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { call } from '../../support/request.ts';
import { serveAll } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';

interface Listed {
  readonly items: readonly { readonly key: string }[];
  readonly pagination: { readonly total: number; readonly next_cursor?: string };
}

interface Fetched {
  readonly jobs: readonly { readonly id: string }[];
}

describe.each(storages)('limits on $name', (storage) => {
  const server = serveAll({ storage: storage.url() });

  const newQueue = () => `q-${newId()}`;
  const newKey = () => `key.${newId()}`;
  const push = async (queue: string, rate_limit?: object, more: object = {}) => {
    const options = { queue, ...(rate_limit && { rate_limit }), ...more };
    const { status, body } = await call<{ job: { id: string } }>(server.url, '/jobs', {
      type: 'a.b',
      args: [],
      options,
    });
    expect(status).toBe(201);
    return body.job.id;
  };
  test('an override of a misspelled key warns with the nearest one, or is refused', async () => {
    const key = newKey();
    await push(newQueue(), { key, concurrency: 2 });
    const wrong = `${key.slice(0, -2)}${key.slice(-1)}${key.slice(-2, -1)}x`;
    const override = (create: string) =>
      call(server.url, `/rate-limits/${wrong}${create}`, { concurrency: 0 }, { method: 'PUT' });
    expect(await override('?create=false')).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found', message: expect.stringContaining(`Did you mean ${key}?`) } },
    });
    expect((await call(server.url, `/rate-limits/${wrong}`)).status).toBe(404);
    expect(await override('')).toMatchObject({ status: 200, body: { warnings: [{ path: 'key', suggestion: key }] } });
    expect((await override('?create=false')).body).not.toHaveProperty('warnings');
  });

  const fetch = async (queues: string | readonly string[], count = 1, wait_ms = 0) => {
    const request = { queues: typeof queues === 'string' ? [queues] : queues, count, wait_ms };
    return (await call<Fetched>(server.url, '/workers/fetch', request)).body.jobs.map(({ id }) => id);
  };
  const show = (key: string) => call(server.url, `/rate-limits/${encodeURIComponent(key)}`);
  const put = (key: string, body: object, path = '') =>
    call(server.url, `/rate-limits/${encodeURIComponent(key)}${path}`, body, { method: 'PUT' });
  const restore = (key: string) =>
    call(server.url, `/rate-limits/${encodeURIComponent(key)}/override`, undefined, { method: 'DELETE' });

  test('are found by a part of their key, and listed by what they hold back', async () => {
    const run = newId();
    const queue = newQueue();
    for (const [key, jobs] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
    ] as const)
      for (let index = 0; index < jobs; index++) await push(queue, { key: `${run}.${key}`, concurrency: 1 });
    const list = async (query: string) =>
      (await call<Listed & { readonly search: object }>(server.url, `/rate-limits?${query}`)).body;
    const keysOf = ({ items }: Listed) => items.map(({ key }) => key.split('.')[1]);
    const found = await list(`key=${run.toUpperCase()}`);
    expect(keysOf(found)).toEqual(['a', 'b', 'c']);
    expect(found.search).toMatchObject({ complete: true });
    expect(keysOf(await list(`key=${run}&sort=waiting`))).toEqual(['b', 'c', 'a']);
    const second = await list(`key=${run}&sort=waiting&limit=1&page=2`);
    expect(keysOf(second)).toEqual(['c']);
    expect(second.pagination).toMatchObject({ total: 3, has_more: true });
    expect(await call(server.url, '/rate-limits?sort=waitin')).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('Did you mean waiting?') } },
    });
    expect(await call(server.url, '/rate-limits?sort=waiting&cursor=a')).toMatchObject({ status: 400 });
  });

  describe('GET /rate-limits', () => {
    test('shows a key in the shape of ojs-rate-limiting §10.1', async () => {
      const queue = newQueue();
      const key = newKey();
      const limit = {
        key,
        concurrency: 2,
        rate: { limit: 100, period: 'PT1M' },
        throttle: { limit: 1000, period: 'PT1S' },
      };
      for (let index = 0; index < 3; index++) await push(queue, limit);
      const before = Date.now();
      await fetch(queue);
      const { status, body } = await call<Record<string, { window_resets_at: string; next_allowed_at: string }>>(
        server.url,
        `/rate-limits/${key}`,
      );
      expect(status).toBe(200);
      expect(body).toMatchObject({
        key,
        concurrency: { limit: 2, active: 1, available: 1 },
        rate: { limit: 100, period: 'PT1M', current_count: 1 },
        throttle: { limit: 1, period: 'PT0.001S' },
        waiting_count: 2,
        override: null,
      });
      const resets = Date.parse(body.rate?.window_resets_at ?? '');
      expect(resets).toBeGreaterThanOrEqual(before + 59_000);
      expect(resets).toBeLessThanOrEqual(Date.now() + 61_000);
      // The server knows the clock of a store elsewhere to a round trip, and goes by the earliest time.
      expect(Date.parse(body.throttle?.next_allowed_at ?? '')).toBeGreaterThanOrEqual(before - 100);
    });

    test('lists keys in pages', async () => {
      for (let index = 0; index < 3; index++) await push(newQueue(), { key: newKey(), concurrency: 1 });
      const seen: string[] = [];
      let total = 0;
      let query: string | null = 'per_page=2';
      while (query !== null) {
        const { body }: { readonly body: Listed } = await call<Listed>(server.url, `/rate-limits?${query}`);
        seen.push(...body.items.map(({ key }) => key));
        total = body.pagination.total;
        query =
          body.pagination.next_cursor === undefined
            ? null
            : `per_page=2&cursor=${encodeURIComponent(body.pagination.next_cursor)}`;
      }
      expect(seen).toEqual([...new Set(seen)].toSorted());
      expect(seen).toHaveLength(total);
      const paged = await call(server.url, '/rate-limits?page=2&per_page=2');
      expect(paged).toMatchObject({ body: { items: expect.any(Array), pagination: { page: 2, per_page: 2, total } } });
    });
  });

  describe('an override', () => {
    test('that opens a key wakes who waits for it', async () => {
      const queue = newQueue();
      const key = newKey();
      await put(key, { concurrency: 0 });
      const id = await push(queue, { key });
      const waiting = fetch(queue, 1, 20_000);
      await put(key, { concurrency: 1 });
      expect(await waiting).toEqual([id]);
    });

    test('of a queue gives way to the queue’s configuration', async () => {
      const queue = newQueue();
      await call(server.url, `/queues/${queue}/config`, { concurrency: 1 }, { method: 'PUT' });
      await push(queue);
      await put(`queue:${queue}`, { concurrency: 0 });
      expect(await fetch(queue)).toEqual([]);
      expect(await restore(`queue:${queue}`)).toMatchObject({ body: { concurrency: { limit: 1 } } });
      expect(await fetch(queue)).toHaveLength(1);
    });

    test.each<readonly [string, object]>([
      ['nothing', {}],
      ['a concurrency below 0', { concurrency: -1 }],
      ['a rate without a period', { rate: { limit: 1 } }],
      ['a time that is none', { concurrency: 0, expires_at: 'soon' }],
      ['a time that has passed', { concurrency: 0, expires_at: '2020-01-01T00:00:00Z' }],
    ])('of %s is refused', async (_, body) => {
      const key = newKey();
      expect(await put(key, body)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
      expect((await show(key)).status).toBe(404);
    });

    test('of the server’s own keys is refused', async () => {
      expect((await put('cron:nightly', { concurrency: 5 })).status).toBe(400);
    });
  });

  test('PUT /admin/queues/:name/rate-limit is the queue’s configuration by another name (ojs-rate-limiting §7.2)', async () => {
    const queue = newQueue();
    const limit = (body: object) => call(server.url, `/admin/queues/${queue}/rate-limit`, body, { method: 'PUT' });
    expect(await limit({ concurrency: 20, rate: { limit: 1000, period: 'PT1H' } })).toMatchObject({
      status: 200,
      body: { queue, key: `queue:${queue}`, concurrency: { limit: 20 }, rate: { limit: 1000, period: 'PT1H' } },
    });
    expect(await call(server.url, `/queues/${queue}/config`)).toMatchObject({
      body: { concurrency: 20, rate_limit: { limit: 1000, period: 'PT1H' } },
    });
    await limit({ concurrency: 1 });
    expect(await call(server.url, `/queues/${queue}/config`)).toMatchObject({
      body: { concurrency: 1, rate_limit: null },
    });
    expect((await limit({ rate: { limit: 1 } })).status).toBe(400);
    expect((await limit({})).status).toBe(200);
    expect(await call(server.url, `/queues/${queue}/config`)).toMatchObject({ body: { concurrency: null } });
  });
});

describe.each(storages)('overrides on $name', ({ url }) => {
  test('end at the same time on every node', async () => {
    await using on = await bench(url());
    const { engine, clock } = on;
    const numbers = (concurrency: number) => ({ concurrency, rates: [] });
    const override = async () => (await engine.storage.registry.limit('k'))?.override?.concurrency;
    await engine.limitOverrides.set('k', numbers(0), clock.now() + 1_000);
    clock.advance(999);
    await engine.limitOverrides.expire();
    expect(await override()).toBe(0);
    // A later one has its own end.
    await engine.limitOverrides.set('k', numbers(1), clock.now() + 5_000);
    clock.advance(4_999);
    await engine.limitOverrides.expire();
    expect(await override()).toBe(1);
    clock.advance(1);
    await engine.upkeep.run();
    expect(await override()).toBe(undefined);
    // One without an end has none, whatever was before it.
    await engine.limitOverrides.set('k', numbers(2), clock.now() + 1_000);
    await engine.limitOverrides.set('k', numbers(3), null);
    clock.advance(10_000);
    await engine.limitOverrides.expire();
    expect(await override()).toBe(3);
    expect(await engine.limitOverrides.expiry('k')).toBe(null);
  });
});
