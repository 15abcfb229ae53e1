import { describe, expect, test } from 'vitest';
import { call } from '../../support/request.ts';
import { serve } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';

interface Listed {
  readonly items: readonly { readonly id: string }[];
  readonly pagination: { readonly next_cursor?: string };
}

test.each(['.', '..'])('no worker is called %s: no path of a worker could have the name', async (worker) => {
  await using server = await serve();
  for (const [path, body] of [
    ['/workers/fetch', { queues: ['q'], worker_id: worker }],
    ['/workers/heartbeat', { worker_id: worker }],
    ['/workers/register', { worker_id: worker }],
    ['/workers/exchange', { worker_id: worker }],
  ] as const)
    expect(await call(server.url, path, body)).toMatchObject({
      status: 400,
      body: { error: { message: '$.worker_id: must not be . or .., which mean another path; choose another name' } },
    });
});

describe.each(storages)('workers on $name', ({ url }) => {
  test('the list has those with heartbeats and those that only fetch', async () => {
    await using server = await serve({ storage: url() });
    await call(server.url, '/jobs', { type: 'a.b', args: [], options: { queue: 'q' } });
    await call(server.url, '/workers/fetch', { queues: ['q', 'r'], count: 2, worker_id: 'fetches' });
    const told = { hostname: 'host-1', queues: ['q'], concurrency: 4, version: '1.2.0', load: { rss_bytes: 3e12 } };
    await call(server.url, '/workers/heartbeat', { worker_id: 'beats', state: 'quiet', active_jobs: [], ...told });
    for (const path of ['/workers', '/admin/workers']) {
      const { status, body } = await call(server.url, path);
      expect([status, body]).toEqual([
        200,
        {
          items: [
            { id: 'beats', ...told, state: 'quiet', active_jobs: 0, last_heartbeat_at: expect.stringMatching(/Z$/) },
            {
              id: 'fetches',
              queues: ['q', 'r'],
              concurrency: 2,
              state: 'running',
              active_jobs: 1,
              last_heartbeat_at: null,
              last_fetch_at: expect.stringMatching(/Z$/),
            },
          ],
          summary: { total: 2, running: 1, quiet: 1, terminate: 0, stale: 0 },
          pagination: expect.objectContaining({ total: 2, page: 1, has_more: false }),
        },
      ]);
    }
  });

  test('the list comes in pages, by page or by cursor', async () => {
    await using server = await serve({ storage: url() });
    const names = ['w1', 'w2', 'w3', 'w4', 'w5'];
    for (const name of names) await call(server.url, '/workers/fetch', { queues: ['q'], worker_id: name });
    const list = async (query: string) => (await call<Listed>(server.url, `/workers?${query}`)).body;
    expect((await list('page=2&per_page=2')).items.map(({ id }) => id)).toEqual(['w3', 'w4']);
    const found: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page: Listed = await list(`limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      found.push(...page.items.map(({ id }) => id));
      cursor = page.pagination.next_cursor;
    }
    expect(found).toEqual(names);
  });
});
