import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

describe.each(storages)('workers and operators, $name (ojs-admin-api §9)', (storage) => {
  async function open() {
    const server = await serveClocked(storage.url());
    const { url } = server;
    const beat = async (worker: string, more: object = {}) =>
      (await call<{ state: string }>(url, '/workers/heartbeat', { worker_id: worker, active_jobs: [], ...more })).body;
    const post = (path: string, body: object = {}) => call(url, `/admin/workers/${path}`, body);
    const take = async (worker: string) => {
      const { body } = await call<{ id: string }>(url, '/jobs', { type: 'a.b', args: [], options: { queue: 'q' } });
      await call(url, '/workers/fetch', { queues: ['q'], worker_id: worker });
      return body.id;
    };
    const remove = (path: string) => send(url, { method: 'DELETE', path: `/ojs/v1/admin/workers/${path}` });
    return { ...server, beat, post, take, remove, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  const it = testWith(open);

  it('one worker with its jobs; one that only fetches too (§9.2)', async ({ url, beat, take }) => {
    await beat('w1', { hostname: 'host-1', concurrency: 4 });
    const id = await take('w1');
    await take('fetches');
    expect((await call(url, '/admin/workers/w1')).body).toEqual({
      id: 'w1',
      hostname: 'host-1',
      concurrency: 4,
      state: 'running',
      active_jobs: 1,
      last_heartbeat_at: expect.stringMatching(/Z$/),
      jobs: [{ id, type: 'a.b', queue: 'q', attempt: 1, started_at: expect.stringMatching(/Z$/) }],
    });
    expect((await call(url, '/admin/workers/fetches')).body).toMatchObject({ active_jobs: 1, last_heartbeat_at: null });
    expectRefusal(await send(url, { path: '/ojs/v1/admin/workers/nobody' }), 404, 'not_found');
  });

  it('quiet, resume and stop come with the next heartbeat', async ({ url, beat, post }) => {
    await beat('w1');
    expect(await post('w1/quiet')).toEqual({
      status: 200,
      body: { ok: true, id: 'w1', worker_id: 'w1', directive: 'quiet' },
    });
    expect((await call(url, '/admin/workers/w1')).body).toMatchObject({ state: 'running', directive: 'quiet' });
    expect(await beat('w1')).toMatchObject({ state: 'quiet', directive: 'quiet' });
    expect(await beat('w1', { state: 'quiet' })).toMatchObject({ state: 'quiet' });
    await post('w1/resume');
    expect(await beat('w1', { state: 'quiet' })).toMatchObject({ state: 'running', directive: 'running' });
    await post('w1/stop');
    expect(await beat('w1')).toMatchObject({ state: 'terminate', directive: 'terminate' });
    expect((await call(url, '/admin/workers')).body).toMatchObject({ summary: { total: 1, running: 1, stale: 0 } });
  });

  it('a worker without heartbeats cannot be told anything, and an unknown one is unknown', async (server) => {
    await server.take('fetches');
    expect(await server.post('fetches/quiet')).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect(await server.post('nobody/quiet')).toMatchObject({ status: 404 });
  });

  it('one directive for several workers: each succeeds or fails by itself', async ({ beat, post, take }) => {
    await beat('w1');
    await beat('w2');
    await take('fetches');
    const ids = ['w1', 'w2', 'fetches', 'nobody'];
    const { status, body } = await post('directive', { directive: 'stop', worker_ids: ids });
    expect([status, body]).toMatchObject([
      200,
      {
        directive: 'terminate',
        matched: 4,
        succeeded: 2,
        failed: 2,
        errors: [
          { worker_id: 'fetches', code: 'conflict' },
          { worker_id: 'nobody', code: 'not_found' },
        ],
      },
    ]);
    expect(await beat('w2')).toMatchObject({ state: 'terminate' });
    expect(await post('directive', { directive: 'quiet', worker_id: 'nobody' })).toMatchObject({ status: 404 });
    for (const wrong of [{}, { directive: 'quiet' }, { directive: 'quite', worker_id: 'w1' }])
      expect(await post('directive', wrong)).toMatchObject({ status: 400 });
  });

  it('only a stale worker is removed, and its jobs go back; force removes a live one (§9.4)', async (server) => {
    const { bench, beat, take, remove } = server;
    await beat('w1');
    const id = await take('w1');
    expectRefusal(await remove('w1'), 409, 'conflict');
    expectRefusal(await remove('w1?force=ture'), 400, 'invalid_request');
    expect((await bench.get(id)).worker).toBe('w1');
    bench.clock.advance(30_000);
    expect((await remove('w1')).status).toBe(200);
    expect(await bench.get(id)).toMatchObject({ worker: null });
    expectRefusal(await remove('w1'), 404, 'not_found');
    await beat('w2');
    const other = await take('w2');
    expect((await remove('w2?force=true')).status).toBe(200);
    expect(await bench.get(other)).toMatchObject({ worker: null });
    // Its silence says nothing.
    await take('fetches');
    bench.clock.advance(86_400_000);
    expectRefusal(await remove('fetches'), 409, 'conflict');
  });
});
