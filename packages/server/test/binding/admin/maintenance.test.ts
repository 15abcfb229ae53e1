import { describe, expect, test } from 'vitest';
import { serveClocked } from '../../support/clocked.ts';
import { call } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

const off = { maintenance: false, reason: null, enabled_at: null, estimated_end: null };

test('the end of maintenance has no reason', async () => {
  await using server = await serveClocked('memory:');
  const path = '/admin/system/maintenance';
  await call(server.url, path, { enabled: true, reason: 'x' });
  for (const [name, value] of [
    ['reason', 'done'],
    ['estimated_duration', 'PT1M'],
  ]) {
    const { status, body } = await call(server.url, path, { enabled: false, [`${name}`]: value });
    expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining(`$.${name}`)]);
  }
  expect((await call(server.url, path)).body).toMatchObject({ maintenance: true, reason: 'x' });
  expect(await call(server.url, path, { enabled: false, reason: null })).toEqual({ status: 200, body: off });
});

describe.each(storages)('maintenance by HTTP, $name (ojs-admin-api §12.1)', (storage) => {
  test('it is begun, shown and ended, under both paths', async () => {
    await using server = await serveClocked(storage.url());
    const { url } = server;
    for (const path of ['/admin/system/maintenance', '/admin/maintenance']) {
      expect(await call(url, path)).toEqual({ status: 200, body: off });
      const on = {
        maintenance: true,
        reason: 'Database migration in progress',
        enabled_at: '2026-01-01T00:00:00.000Z',
        estimated_end: '2026-01-01T00:30:00.000Z',
      };
      const body = { enabled: true, reason: on.reason, estimated_duration: 'PT30M' };
      expect(await call(url, path, body)).toEqual({ status: 200, body: on });
      expect((await call(url, path)).body).toEqual(on);
      expect(await call(url, '/health')).toMatchObject({ status: 200, body: { status: 'ok', maintenance: true } });
      const job = { type: 'a.b', args: [], options: { queue: 'q' } };
      expect((await call(url, '/jobs', job)).status).toBe(201);
      const fetch = { queues: ['q'], worker_id: 'w1', count: 5 };
      expect((await call(url, '/workers/fetch', fetch)).body).toEqual({ jobs: [] });
      expect((await call(url, '/workers/exchange', { worker_id: 'w1', fetch })).body).toMatchObject({ jobs: [] });
      expect(await call(url, path, { enabled: false })).toEqual({ status: 200, body: off });
      expect((await call(url, '/health')).body).not.toHaveProperty('maintenance');
      expect((await call(url, '/workers/fetch', fetch)).body).toMatchObject({ jobs: [{ type: 'a.b' }] });
    }
  });
});
