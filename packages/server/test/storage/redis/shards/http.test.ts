import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { server } from '../namespace.ts';
import { urlOf } from './stores.ts';

test.skipIf(server === null)(
  'over HTTP a batch and a fetch across namespaces are 422 with the reason, and other calls at the same time succeed',
  async () => {
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
    // Sent together, so that they share a call of the storage.
    const fetches = await Promise.all(
      [['emails'], ['reports', 'emails'], ['reports'], ['emails']].map((queues) =>
        post('/workers/fetch', { queues, worker_id: 'w', count: 1 }),
      ),
    );
    expect(fetches.map(({ status }) => status)).toEqual([200, 422, 200, 200]);
    for (const at of [0, 2, 3]) expect(JSON.parse(fetches[at]?.text ?? '')).toMatchObject({ jobs: [{ type: 'x' }] });
  },
);
