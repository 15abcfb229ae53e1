import { Bulk } from '@ojs-ts/core/bulk';
import { describe, expect, vi } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Listed {
  readonly items: readonly { readonly name: string }[];
  readonly pagination: object;
}

describe.each(storages)('queues of the admin API, $name (ojs-admin-api §6)', (storage) => {
  async function open() {
    const server = await serveClocked(storage.url());
    const { url, bench } = server;
    const push = async (queue: string, options: object = {}) =>
      (await call<{ id: string }>(url, '/jobs', { type: 'a.b', args: [], options: { queue, ...options } })).body.id;
    const run = async (queue: string, ms: number) => {
      const { body } = await call<{ jobs: { id: string }[] }>(url, '/workers/fetch', { queues: [queue] });
      bench.clock.advance(ms);
      return body.jobs[0]?.id ?? '';
    };
    const purge = (queue: string, body: object) =>
      call<Record<string, unknown>>(url, `/admin/queues/${queue}/jobs`, body, { method: 'DELETE' });
    return { url, bench, push, run, purge, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  const it = testWith(open);

  it('the list has counts and load of each queue, in pages', async ({ url, bench, push, run }) => {
    await push('a');
    bench.clock.advance(4_000);
    await call(url, '/workers/ack', { job_id: await run('a', 2_000) });
    await push('a', { pending: true });
    await push('b');
    await call(url, '/admin/queues/c/pause', undefined, { method: 'POST' });
    const counts = {
      available: 0,
      active: 0,
      scheduled: 0,
      retryable: 0,
      pending: 0,
      completed: 0,
      discarded: 0,
      cancelled: 0,
      dead_letter: 0,
    };
    const none = { p50: null, p95: null, p99: null };
    const { status, body } = await call<Listed>(url, '/admin/queues?per_page=2');
    expect(status).toBe(200);
    expect(body.items).toEqual([
      {
        name: 'a',
        state: 'active',
        paused: false,
        counts: { ...counts, completed: 1, pending: 1 },
        oldest_available_at: null,
        throughput: { processed_per_minute: expect.any(Number), failed_per_minute: 0 },
        latency_ms: { p50: 3_500, p95: 3_950, p99: 3_990, mean: 4_000 },
        duration_ms: { p50: 1_750, p95: 1_975, p99: 1_995, mean: 2_000 },
        created_at: expect.stringMatching(/Z$/),
        workers: 0,
      },
      {
        name: 'b',
        state: 'active',
        paused: false,
        counts: { ...counts, available: 1 },
        oldest_available_at: new Date(bench.clock.now()).toISOString(),
        throughput: { processed_per_minute: 0, failed_per_minute: 0 },
        latency_ms: { ...none, mean: null },
        duration_ms: { ...none, mean: null },
        created_at: expect.stringMatching(/Z$/),
        workers: 0,
      },
    ]);
    expect(body.pagination).toMatchObject({ total: 3, page: 1, per_page: 2, has_more: true });
    const second = await call<Listed>(url, '/admin/queues?page=2&per_page=2');
    expect(second.body).toMatchObject({
      items: [{ name: 'c', state: 'paused', paused: true }],
      pagination: { total: 3, page: 2, per_page: 2, has_more: false },
    });
    expect((await call<Listed>(url, '/admin/queues?per_page=1000')).body.pagination).toMatchObject({ per_page: 100 });
  });

  it('the list counts the running workers of each queue', async ({ url, push }) => {
    const count = async (): Promise<unknown> => {
      const { body } = await call<{ readonly items: readonly { readonly workers: number }[] }>(url, '/admin/queues');
      return body.items.map(({ workers }) => workers);
    };
    await push('a');
    await push('b');
    expect(await count()).toEqual([0, 0]);
    const beat = (worker_id: string, state: string) =>
      call(url, '/workers/heartbeat', { worker_id, state, queues: ['b'], active_jobs: [] });
    await beat('w1', 'running');
    await beat('w2', 'quiet');
    expect(await count()).toEqual([0, 1]);
  });

  it('the age of a backlog is that of the oldest available job, of a queue and of all', async (server) => {
    const { url, bench, push } = server;
    const oldest = async (path: string) =>
      (await call<{ readonly oldest_available_at: string | null }>(url, path)).body.oldest_available_at;
    expect(await oldest('/admin/stats')).toBeNull();
    const first = new Date(bench.clock.now()).toISOString();
    await push('a', { priority: -5 });
    bench.clock.advance(4_000);
    await push('a', { priority: 5 });
    await push('b');
    const second = new Date(bench.clock.now()).toISOString();
    for (const path of ['/admin/queues/a', '/queues/a', '/admin/stats']) expect(await oldest(path)).toBe(first);
    expect(await oldest('/admin/queues/b')).toBe(second);
  });

  it('one queue has its configuration too', async (server) => {
    await call(server.url, '/admin/queues/q/config', { concurrency: 20 }, { method: 'PUT' });
    expect((await call(server.url, '/admin/queues/q')).body).toMatchObject({
      name: 'q',
      state: 'active',
      counts: { available: 0 },
      configuration: { concurrency: 20, rate_limit: null, retention: { completed: 'PT168H' } },
    });
    expectRefusal(await send(server.url, { path: '/ojs/v1/admin/queues/none' }), 404, 'not_found');
  });

  it('pause and resume are flat and need no body', async (server) => {
    const post = async (what: string) => {
      const { status, text } = await send(server.url, { method: 'POST', path: `/ojs/v1/admin/queues/email/${what}` });
      return [status, JSON.parse(text)];
    };
    await server.push('email');
    expect(await post('pause')).toMatchObject([200, { name: 'email', paused: true, paused_at: expect.any(String) }]);
    expect(await server.run('email', 0)).toBe('');
    expect(await post('resume')).toMatchObject([200, { name: 'email', paused: false }]);
    expect(await server.run('email', 0)).not.toBe('');
  });

  it('a purge deletes by state and age, and nothing without confirm', async ({ url, bench, push, run, purge }) => {
    const [old, young, waiting] = [await push('q'), await push('q'), await push('q')];
    await push('other');
    await call(url, '/workers/ack', { job_id: await run('q', 0) });
    bench.clock.advance(60_000);
    await call(url, '/workers/ack', { job_id: await run('q', 0) });
    const active = await push('q', { priority: 9 });
    expect(await run('q', 0)).toBe(active);
    const states = ['completed'];
    for (const body of [
      { states },
      { states, confirm: false },
      { confirm: true },
      { states: [], confirm: true },
      { states: ['active'], confirm: true },
      { states: ['available'], older_than: 'PT1S', confirm: true },
      { states, confirm: true, olderThan: 'PT1S' },
      { states, older_than: '', confirm: true },
      { states, older_than: null, confirm: true },
      { states, state: 'available', confirm: true },
    ])
      expect((await purge('q', body)).status, JSON.stringify(body)).toBe(400);
    expect(await purge('none', { states, confirm: true })).toMatchObject({ status: 404 });
    const aged = await purge('q', { states, older_than: 'PT30S', confirm: true });
    expect(aged).toEqual({ status: 200, body: { purged_count: 1, states, has_more: false } });
    expect(await bench.engine.jobs.get(old)).toBeNull();
    const query = 'states=completed,available&confirm=true';
    const all = await send(url, { method: 'DELETE', path: `/ojs/v1/admin/queues/q/jobs?${query}` });
    expect(JSON.parse(all.text)).toMatchObject({ purged_count: 2 });
    expect([await bench.engine.jobs.get(young), await bench.engine.jobs.get(waiting)]).toEqual([null, null]);
    expect((await bench.get(active)).worker).toBeNull();
    const counts = Object.fromEntries(
      (await bench.engine.storage.registry.queues()).map((one) => [one.name, one.counts]),
    );
    expect(Object.values(counts.q ?? {}).reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(Object.values(counts.other ?? {}).reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  it('a purge by age reads no job twice, however many younger ones there are', async ({ bench, purge }) => {
    const finish = async (count: number) => {
      const ids = await Promise.all(Array.from({ length: count }, () => bench.push({ queue: 'aged' })));
      await Promise.all(ids.map((id) => bench.engine.lifecycle.cancel(id, null)));
    };
    await finish(Bulk.max + 1);
    bench.clock.advance(60_000);
    await finish(1_000);
    const list = vi.spyOn(bench.engine.storage.jobs, 'list');
    const { body } = await purge('aged', { states: ['cancelled'], older_than: 'PT30S', confirm: true });
    expect(body).toMatchObject({ purged_count: Bulk.max + 1, has_more: false });
    const reads = await Promise.all(list.mock.results.map(({ value }) => value));
    expect(reads.reduce((sum, { items }) => sum + items.length, 0)).toBeLessThan(Bulk.max + 1_600);
  });

  it('the purge of the command line, and more jobs than one round of a bulk operation', async (server) => {
    const jobs = Array.from({ length: 10_001 }, () => ({ type: 'a.b', args: [], options: { queue: 'many' } }));
    await call(server.url, '/jobs/batch', { jobs: jobs.slice(1), return: 'minimal' });
    await server.push('many');
    const { body } = await call(server.url, '/queues/many/purge', { states: ['available'], confirm: true });
    expect(body).toMatchObject({ purged_count: 10_001, has_more: false });
  });
});
