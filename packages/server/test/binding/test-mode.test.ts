import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, send } from '../support/request.ts';
import { serve } from '../support/server.ts';

/** T:L1-WRK-002 and 003 put a worker's next directive into the meta of a job that it holds. */
async function beatWithDirective(url: string): Promise<Record<string, unknown>> {
  const id = newId();
  await call(url, '/jobs', { id, type: 'a.b', args: [], options: { metadata: { test_directive: 'quiet' } } });
  await call(url, '/workers/fetch', { queues: ['default'], worker_id: 'w1' });
  return (await call(url, '/workers/heartbeat', { worker_id: 'w1', active_jobs: [id] })).body;
}

describe('test mode', () => {
  test('empties the store, and makes directives of test_directive', async () => {
    await using server = await serve({ testMode: true });
    expect(await beatWithDirective(server.url)).toMatchObject({ state: 'quiet', directive: 'quiet' });
    const reset = await send(server.url, { method: 'POST', path: '/ojs/v1/admin/reset' });
    expect(reset).toMatchObject({ status: 200, headers: { 'content-type': 'application/openjobspec+json' } });
    expect(await call(server.url, '/queues')).toMatchObject({ body: { queues: [] } });
    expect(await call(server.url, '/events')).toMatchObject({ body: { events: [], cursor: '0' } });
  });

  test('is off by default', async () => {
    await using server = await serve();
    expect(await beatWithDirective(server.url)).toMatchObject({ state: 'running', directive: '' });
    expectRefusal(await send(server.url, { method: 'POST', path: '/ojs/v1/admin/reset' }), 404, 'not_found');
  });

  test('keeps the web pages out, too', async () => {
    await using server = await serve({ testMode: true });
    const headers = { origin: 'http://evil.test' };
    expectRefusal(
      await send(server.url, { method: 'POST', path: '/ojs/v1/admin/reset', headers }),
      403,
      'permission_denied',
    );
  });
});
