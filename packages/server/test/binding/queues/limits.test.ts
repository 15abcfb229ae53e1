import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../../src/index.ts';
import { bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { call } from '../../support/request.ts';
import { serve } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';

interface Listed {
  readonly items: readonly { readonly key: string }[];
  readonly pagination: { readonly total: number; readonly next_cursor?: string };
}

interface Fetched {
  readonly jobs: readonly { readonly id: string }[];
}

describe.each(storages)('limits on $name', (storage) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await serve({ storage: storage.url() });
  });
  afterAll(() => server.close());

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
  const ack = (job_id: string | undefined) => call(server.url, '/workers/ack', { job_id });
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

  describe('executions', () => {
    test('of one key never run more at once than its concurrency, in one fetch or in many', async () => {
      const queue = newQueue();
      const limit = { key: newKey(), concurrency: 2 };
      for (let index = 0; index < 5; index++) await push(queue, limit);
      const first = await fetch(queue, 10);
      expect(first).toHaveLength(2);
      expect(await fetch(queue, 10)).toEqual([]);
      await ack(first[0]);
      expect(await fetch(queue, 10)).toHaveLength(1);
      const held = await Promise.all(Array.from({ length: 5 }, () => fetch(queue)));
      expect(held.flat()).toEqual([]);
    });

    test.each([
      ['ack', (id: string) => ack(id)],
      [
        'a failure',
        (id: string) => call(server.url, '/workers/nack', { job_id: id, error: { code: 'x', message: 'x' } }),
      ],
      ['a requeue', (id: string) => call(server.url, '/workers/nack', { job_id: id, requeue: true })],
      ['a cancellation', (id: string) => call(server.url, `/jobs/${id}`, undefined, { method: 'DELETE' })],
    ])('%s frees the slot', async (_, end) => {
      const queue = newQueue();
      const limit = { key: newKey(), concurrency: 1 };
      const [id] = [await push(queue, limit), await push(queue, limit)];
      expect(await fetch(queue, 10)).toEqual([id]);
      expect((await end(id)).status).toBe(200);
      expect(await fetch(queue, 10)).toHaveLength(1);
    });

    test('an ended lease frees the slot', async () => {
      const queue = newQueue();
      const limit = { key: newKey(), concurrency: 1 };
      await push(queue, limit, { visibility_timeout_ms: 500 });
      const second = await push(queue, limit);
      const began = performance.now();
      expect(await fetch(queue)).toHaveLength(1);
      const held = await fetch(queue);
      if (performance.now() - began < 490) expect(held).toEqual([]);
      // The lost job comes back behind the other one.
      expect(held.length > 0 ? held : await fetch(queue, 1, 60_000)).toEqual([second]);
    });

    test('keys count apart from each other, and over queues together', async () => {
      const [one, other, shared] = [newQueue(), newQueue(), newKey()];
      await push(one, { key: newKey(), concurrency: 1 });
      await push(one, { key: newKey(), concurrency: 1 });
      expect(await fetch(one, 10)).toHaveLength(2);
      const first = await push(one, { key: shared, concurrency: 1 });
      await push(other, { key: shared, concurrency: 1 });
      expect(await fetch([one, other], 10)).toEqual([first]);
    });

    test('held back by a limit stay available and block nobody: later jobs and other queues are served', async () => {
      const [queue, next] = [newQueue(), newQueue()];
      const limit = { key: newKey(), concurrency: 1 };
      const held = await push(queue, limit, { priority: 5 });
      const limited: string[] = [];
      for (let index = 0; index < 20; index++) limited.push(await push(queue, limit, { priority: 3 }));
      const free = [await push(queue), await push(queue)];
      const elsewhere = await push(next);
      expect(await fetch([queue, next], 10)).toEqual([held, ...free, elsewhere]);
      for (const id of limited.slice(0, 3))
        expect(await call(server.url, `/jobs/${id}`)).toMatchObject({ body: { job: { state: 'available' } } });
      await ack(held);
      expect(await fetch([queue, next], 10)).toEqual([limited[0]]);
    });

    test('several limits must all have room', async () => {
      const queue = newQueue();
      const [narrow, wide] = [newKey(), newKey()];
      const both = [
        { key: narrow, concurrency: 1 },
        { key: wide, concurrency: 2 },
      ];
      const ids: string[] = [];
      for (let index = 0; index < 3; index++)
        ids.push(
          await call<{ job: { id: string } }>(server.url, '/jobs', {
            type: 'a.b',
            args: [],
            options: { queue, rate_limit: both },
          }).then(({ body }) => body.job.id),
        );
      const alone = [await push(queue, { key: wide }), await push(queue, { key: wide })];
      expect(await fetch(queue, 10)).toEqual([ids[0], alone[0]]);
      expect(await show(wide)).toMatchObject({
        body: { concurrency: { limit: 2, active: 2, available: 0 }, waiting_count: 3 },
      });
    });

    test('of a queue never run more at once than its concurrency, whatever its jobs say', async () => {
      const queue = newQueue();
      await call(server.url, `/queues/${queue}/config`, { concurrency: 2 }, { method: 'PUT' });
      for (let index = 0; index < 3; index++) await push(queue);
      await push(queue, { concurrency: 100 });
      const first = await fetch(queue, 10);
      expect(first).toHaveLength(2);
      expect(await fetch(queue, 10)).toEqual([]);
      await ack(first[0]);
      expect(await fetch(queue, 10)).toHaveLength(1);
      await call(server.url, `/queues/${queue}/config`, { concurrency: null }, { method: 'PUT' });
      expect(await fetch(queue, 10)).toHaveLength(1);
    });

    test('{max_per_second: 1}: the first fetch gets a job, the second none, a later one the next', async () => {
      const queue = newQueue();
      const ids = [await push(queue, { max_per_second: 1 }), await push(queue, { max_per_second: 1 })];
      const began = performance.now();
      expect(await fetch(queue, 2)).toEqual([ids[0]]);
      const second = await fetch(queue);
      // The window slides in the store's time, of whole milliseconds.
      if (performance.now() - began < 990) expect(second).toEqual([]);
      if (second.length > 0) return;
      expect(await fetch(queue, 1, 60_000)).toEqual([ids[1]]);
      const took = performance.now() - began;
      expect(took).toBeGreaterThanOrEqual(990);
      // Woken by the window: the fetch by itself would have waited for 60 s.
      expect(took).toBeLessThan(50_000);
    });

    test('of a key start no more often than its rate, and spaced by its throttle', async () => {
      const queue = newQueue();
      const rate = { key: newKey(), rate: { limit: 3, period: 'PT1H' } };
      for (let index = 0; index < 5; index++) await push(queue, rate);
      const first = await fetch(queue, 10);
      expect(first).toHaveLength(3);
      // A rate counts starts: an end makes no room.
      for (const id of first) await ack(id);
      expect(await fetch(queue, 10)).toEqual([]);
      const spaced = newQueue();
      const throttle = { key: newKey(), throttle: { limit: 10, period: 'PT1S' } };
      for (let index = 0; index < 3; index++) await push(spaced, throttle);
      // From before the first start: its answer may come late on a busy machine.
      const began = performance.now();
      for (let start = 0; start < 3; start++) expect(await fetch(spaced, 10, 10_000)).toHaveLength(1);
      expect(performance.now() - began).toBeGreaterThanOrEqual(190);
    });

    test('the form {key, rate, period} is accepted', async () => {
      const queue = newQueue();
      const limit = { key: newKey(), rate: 1, period: 'minute' };
      const [first] = [await push(queue, limit), await push(queue, limit)];
      expect(await fetch(queue, 10)).toEqual([first]);
      expect(await show(limit.key)).toMatchObject({ body: { rate: { limit: 1, period: 'PT1M', current_count: 1 } } });
    });
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

    test('a key exists as soon as a job names it; another one is 404', async () => {
      const key = newKey();
      expect(await show(key)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
      await push(newQueue(), { key, concurrency: 1 });
      expect(await show(key)).toMatchObject({ status: 200, body: { concurrency: { active: 0 }, waiting_count: 1 } });
      expect((await show('queue:nobody')).status).toBe(404);
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
    test('wins over the numbers of jobs, until it is removed', async () => {
      const queue = newQueue();
      const key = newKey();
      for (let index = 0; index < 3; index++) await push(queue, { key, concurrency: 1 });
      expect(await put(key, { concurrency: 0 })).toMatchObject({
        status: 200,
        body: {
          key,
          concurrency: { limit: 0, active: 0, available: 0 },
          override: { concurrency: 0, expires_at: null },
        },
      });
      expect(await fetch(queue, 10)).toEqual([]);
      expect(await put(key, { concurrency: 2 }, '/override')).toMatchObject({
        status: 200,
        body: { concurrency: { limit: 2 } },
      });
      expect(await fetch(queue, 10)).toHaveLength(2);
      expect(await restore(key)).toMatchObject({
        status: 200,
        body: { concurrency: { limit: 1, active: 2, available: 0 }, override: null },
      });
      expect(await fetch(queue, 10)).toEqual([]);
      expect((await restore(newKey())).status).toBe(404);
    });

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

    test('that has expired is removed by itself', async () => {
      const queue = newQueue();
      const key = newKey();
      const id = await push(queue, { key, concurrency: 1 });
      const expires = Date.now() + 1_000;
      const expires_at = new Date(expires).toISOString();
      expect(await put(key, { concurrency: 0, expires_at })).toMatchObject({ body: { override: { expires_at } } });
      const held = await fetch(queue);
      // A busy machine may have taken longer than that.
      if (Date.now() < expires) expect(held).toEqual([]);
      expect(held.length > 0 ? held : await fetch(queue, 1, 60_000)).toEqual([id]);
      expect(await show(key)).toMatchObject({ body: { override: null, concurrency: { limit: 1 } } });
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
