import { type RunningServer, startServer } from '@ojs-ts/server';
import { newId } from '../../../server/test/support/ids.ts';
import { call, send } from '../../../server/test/support/request.ts';

/** A server that has every kind of series: with jobs that ended in each way, a limit, a worker, and failures. */
export async function busyServer(storage = 'sqlite:'): Promise<RunningServer> {
  const server = await startServer({ storage, port: 0, log: false });
  const post = (path: string, body: object, method = 'POST') =>
    call<{ readonly jobs?: readonly { readonly id: string }[] }>(server.url, path, body, { method });
  const limits = { concurrency: 100, rate_limit: { limit: 1_000, period: 'PT1M' }, max_size: 1_000 };
  await post('/queues/mail/config', limits, 'PUT');
  await post('/workers/heartbeat', { worker_id: 'w', active_jobs: [], queues: ['mail'] });
  const ids = [newId(), newId(), newId(), newId()];
  for (const id of ids)
    await post('/jobs', { id, type: 'email.send', args: [], options: { queue: 'mail', retry: { max_attempts: 1 } } });
  const [completed, discarded, cancelled] = ids;
  await post('/workers/fetch', { queues: ['mail'], worker_id: 'w', count: 3 });
  await post('/workers/ack', { job_id: completed, worker_id: 'w', result: {} });
  await post('/workers/nack', {
    job_id: discarded,
    worker_id: 'w',
    error: { type: 'Broken', message: 'no', retryable: false },
  });
  await send(server.url, { method: 'DELETE', path: `/ojs/v1/jobs/${cancelled}` });
  // Errors that need a broken store.
  const { telemetry } = server.engine;
  telemetry.storageErrors.add({ operation: 'jobs.insert', code: 'unavailable' });
  await telemetry.round('due', () => Promise.reject(new Error('broken'))).catch(() => {});
  return server;
}

export async function scrape(server: RunningServer, accept = '*/*'): Promise<string> {
  return (await send(server.url, { path: '/metrics', headers: { accept } })).text;
}
