import { startServer } from '@ojs-ts/server';
import { expect } from 'vitest';
import { test } from '../namespace.ts';
import { urlOf } from './stores.ts';

test('over HTTP a batch across namespaces is 422 with the reason, and a fetch gets the jobs of all, at once or when they come', async () => {
  await using running = await startServer({
    storage: urlOf('home:emails;b:reports;rest:*'),
    host: '127.0.0.1',
    port: 0,
    log: false,
  });
  const post = async (path: string, body: unknown) => {
    const headers = { 'content-type': 'application/openjobspec+json' };
    const response = await fetch(`${running.url}/ojs/v1${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  };
  const job = (queue: string) => ({ type: 'x', args: [], options: { queue } });
  const batch = await post('/jobs/batch', { jobs: [job('emails'), job('reports')] });
  expect(batch.status).toBe(422);
  expect(batch.text).toMatch(/unsupported/);
  expect(batch.text).toMatch(/emails in \S+home, reports in \S+b/);
  expect((await post('/jobs/batch', { jobs: [job('emails'), job('emails')] })).status).toBe(201);
  expect((await post('/jobs', job('reports'))).status).toBe(201);
  const fetched = async (queues: readonly string[], wait = 0) => {
    const { status, text } = await post('/workers/fetch', { queues, worker_id: 'w', count: 3, wait_ms: wait });
    expect(status).toBe(200);
    return (JSON.parse(text) as { readonly jobs: readonly { readonly queue: string }[] }).jobs.map(
      ({ queue }) => queue,
    );
  };
  expect(await fetched(['reports', 'nowhere', 'emails'])).toEqual(['reports', 'emails', 'emails']);
  const waiting = fetched(['emails', 'reports'], 30_000);
  await post('/jobs', job('reports'));
  expect(await waiting).toEqual(['reports']);
});
