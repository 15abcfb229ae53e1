import { expect, test } from 'vitest';
import { startServer } from '../../src/main.ts';
import { storages } from '../support/storages.ts';

type Answer = { readonly status: number; readonly headers: Headers; readonly body: Record<string, unknown> };

async function call(
  url: string,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}/ojs/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

const open = (storage: string) => startServer({ storage, host: '127.0.0.1', port: 0, testMode: true, log: false });

test.each(storages)('a reset also empties the server’s memory, $name', async (storage) => {
  await using server = await open(storage.url());
  const { url } = server;
  await call(url, 'POST', '/workers/heartbeat', { worker_id: 'worker-1', state: 'quiet' });
  await call(url, 'POST', '/schemas', { job_type: 'a.b', version: '1.0.0', schema: { type: 'array', maxItems: 0 } });
  expect((await call(url, 'POST', '/jobs', { type: 'a.b', args: [1] })).status).toBe(400);
  await call(url, 'GET', '/queues/default/stats');
  await call(url, 'POST', '/admin/reset');
  expect((await call(url, 'POST', '/jobs', { type: 'a.b', args: [1] })).status).toBe(201);
  const { body } = await call(url, 'POST', '/workers/fetch', { queues: ['default'], worker_id: 'worker-1' });
  expect(body.jobs).toHaveLength(1);
});

test('the answer of a full queue has its bound, as every 429', async () => {
  await using server = await open('memory:');
  const { url } = server;
  await call(url, 'PUT', '/queues/small/config', { backpressure: { max_depth: 1 } });
  const job = { type: 'a.b', args: [], options: { queue: 'small' } };
  await call(url, 'POST', '/jobs', job);
  const { status, headers } = await call(url, 'POST', '/jobs', job);
  expect([status, headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')]).toEqual([429, '1', '0']);
  expect(Number(headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1_000 - 2);
});

test('a key of one operation is not a key of another', async () => {
  await using server = await open('memory:');
  const { url } = server;
  const key = { 'idempotency-key': 'same' };
  const step = { type: 'a.b', args: [] };
  expect((await call(url, 'POST', '/jobs/batch', { jobs: [step, step] }, key)).status).toBe(201);
  const { status, body } = await call(url, 'POST', '/workflows', { type: 'chain', steps: [step, step] }, key);
  expect([status, body.state]).toEqual([201, 'running']);
});

test('a producer cannot stop a queue by a limit of none at once', async () => {
  await using server = await open('memory:');
  const answer = await call(server.url, 'POST', '/jobs', {
    type: 'a.b',
    args: [],
    options: { rate_limit: { concurrency: 0 } },
  });
  expect(answer.status).toBe(400);
});
