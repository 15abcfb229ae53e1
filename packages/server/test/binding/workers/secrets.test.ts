import { describe, expect, test } from 'vitest';
import { Documents } from '../../../src/engine/documents.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Fetched {
  readonly id: string;
  readonly x_lease: string;
}

const post = (url: string, path: string, body: object) =>
  send(url, { method: 'POST', path: `/ojs/v1${path}`, body: JSON.stringify(body) });
const own = { worker_id: 'w1', worker_secret: 'correct horse' };
/** Nobody, and somebody with a secret of their own, in the worker's name. */
const impostors = [{ worker_id: 'w1' }, { worker_id: 'w1', worker_secret: 'battery staple' }] as const;

async function push(url: string): Promise<string> {
  return (await call<{ id: string }>(url, '/jobs', { type: 'a.b', args: [] })).body.id;
}

async function take(url: string, body: object): Promise<readonly string[]> {
  const { jobs } = (await call<{ jobs: Fetched[] }>(url, '/workers/fetch', { queues: ['default'], ...body })).body;
  return jobs.map(({ id }) => id);
}

/** As an exchange carries the same calls. */
async function exchange(url: string, worker: object, parts: object) {
  return post(url, '/workers/exchange', { ...worker, ...parts });
}

/** The ways in which a worker makes itself known. */
const beginnings: readonly (readonly [string, (server: ClockedServer) => Promise<unknown>])[] = [
  ['registration', ({ url }) => call(url, '/workers/register', own)],
  ['first heartbeat', ({ url }) => call(url, '/workers/heartbeat', { ...own, active_jobs: [] })],
  ['first fetch', ({ url }) => take(url, own)],
  ['first exchange', ({ url }) => exchange(url, own, { fetch: { queues: ['default'] } })],
];

describe.each(storages)('secrets of workers on $name', (storage) => {
  test.each(beginnings)('who sent one with its %s is deregistered, and beats, by nobody else', async (_, begin) => {
    await using server = await serveClocked(storage.url());
    const { url, bench } = server;
    const id = await push(url);
    await begin(server);
    const got = (await bench.get(id)).worker === 'w1' ? [id] : await take(url, own);
    expect(got).toEqual([id]);
    const before = await bench.get(id);
    for (const impostor of impostors) {
      expectRefusal(await post(url, '/workers/deregister', impostor), 409, 'conflict');
      expectRefusal(await send(url, { method: 'DELETE', path: '/ojs/v1/workers/w1' }), 409, 'conflict');
      expectRefusal(await post(url, '/workers/register', impostor), 409, 'conflict');
      // Two heartbeats that list nothing would give the job back, the last one would forget the worker.
      for (const state of ['running', 'terminate'])
        expectRefusal(
          await post(url, '/workers/heartbeat', { ...impostor, state, active_jobs: [], leases: {} }),
          409,
          'conflict',
        );
      expectRefusal(await exchange(url, impostor, { beat: { active_jobs: [], leases: {} } }), 409, 'conflict');
    }
    expect(await bench.get(id)).toEqual(before);
    expect((await post(url, '/workers/heartbeat', { ...own, active_jobs: [id] })).status).toBe(200);
    expect((await post(url, '/workers/deregister', own)).status).toBe(200);
    expect(await bench.get(id)).toMatchObject({ worker: null, attempt: 0 });
    // The name is free again.
    expect((await post(url, '/workers/heartbeat', impostors[1])).status).toBe(200);
    expectRefusal(await post(url, '/workers/heartbeat', own), 409, 'conflict');
  });

  test('a fetch is repeated by who knows the secret, and by nobody else', async () => {
    await using server = await serveClocked(storage.url());
    const { url } = server;
    const first = await push(url);
    const fetch = { request_id: 'r1' };
    expect(await take(url, { ...own, ...fetch })).toEqual([first]);
    for (const impostor of impostors) {
      expectRefusal(await post(url, '/workers/fetch', { queues: ['default'], ...impostor, ...fetch }), 409, 'conflict');
      const repeated = { fetch: { queues: ['default'], ...fetch } };
      expectRefusal(await exchange(url, impostor, repeated), 409, 'conflict');
    }
    expect(await take(url, { ...own, ...fetch })).toEqual([first]);
    const exchanged = await exchange(url, own, { fetch: { queues: ['default'], ...fetch } });
    expect(JSON.parse(exchanged.text).jobs).toMatchObject([{ id: first }]);
  });

  test('a worker that sent none is as open as ever, and nobody can give it one', async () => {
    await using server = await serveClocked(storage.url());
    const { url, bench } = server;
    const id = await push(url);
    const plain = { worker_id: 'w1', request_id: 'r1' };
    expect(await take(url, plain)).toEqual([id]);
    await call(url, '/workers/heartbeat', own);
    bench.clock.advance(120_000);
    expect((await post(url, '/workers/heartbeat', { worker_id: 'w1', active_jobs: [id] })).status).toBe(200);
    expect(await take(url, plain)).toEqual([id]);
    expect((await send(url, { method: 'DELETE', path: '/ojs/v1/workers/w1' })).status).toBe(200);
    expect(await bench.get(id)).toMatchObject({ worker: null });
  });

  test('an operator deregisters any worker, and a token for work alone does not', async () => {
    const tokens = ['work:work-token', 'admin:admin-token'];
    await using server = await serveClocked(storage.url(), {}, { tokens });
    const { url } = server;
    const remove = (path: string, token: string) =>
      send(url, { method: 'DELETE', path: `/ojs/v1${path}`, headers: { authorization: `Bearer ${token}` } });
    const headers = { authorization: 'Bearer work-token' };
    await call(url, '/workers/heartbeat', own, { headers });
    expectRefusal(await remove('/workers/w1', 'work-token'), 409, 'conflict');
    expectRefusal(await remove('/admin/workers/w1', 'work-token'), 403, 'permission_denied');
    expectRefusal(await remove('/admin/workers/w1', 'admin-token'), 409, 'conflict');
    expect((await remove('/admin/workers/w1?force=true', 'admin-token')).status).toBe(200);
    expectRefusal(await remove('/admin/workers/w1', 'admin-token'), 404, 'not_found');
  });

  test('the secret is kept as a digest, is told to nobody, and goes with the worker', async () => {
    await using server = await serveClocked(storage.url());
    const { url, bench } = server;
    const { engine, clock } = bench;
    await call(url, '/workers/heartbeat', { ...own, active_jobs: [] });
    await take(url, { ...own, worker_id: 'w2' });
    const kept = async () => JSON.stringify(await new Documents(engine.storage.records).list('worker.secret'));
    expect(JSON.parse(await kept())).toMatchObject([{ key: 'w1' }, { key: 'w2' }]);
    for (const text of [await kept(), JSON.stringify((await call(url, '/workers')).body)])
      expect(text).not.toContain('horse');
    expect(JSON.stringify((await call(url, '/workers')).body)).not.toMatch(/secret|digest/);
    // The last heartbeat ends the one, silence and time the other.
    await call(url, '/workers/heartbeat', { ...own, state: 'terminate', active_jobs: [], leases: {} });
    expect(JSON.parse(await kept())).toMatchObject([{ key: 'w2' }]);
    clock.advance(3_600_001);
    await engine.workers.forgetIdle();
    await engine.secrets.forgetIdle();
    expect(JSON.parse(await kept())).toEqual([]);
  });
});
