import type { Call, Transport } from '@ojs-ts/core';
import type { OperationName } from '@ojs-ts/core/operations';
import { openEmbedded, startServer } from '@ojs-ts/server';
import { describe, expect, test } from 'vitest';
import { Connection } from '../../../src/connection/connection.ts';
import { Client, type JobContext, Worker } from '../../../src/index.ts';
import { keepingLogger } from '../../support/log.ts';
import { openProxy } from '../../support/proxy.ts';

const connect = (url: string) => new Connection(url, { logger: keepingLogger() }).transport;

/** What somebody with the same token, who has seen the job, can send in the worker's name. */
async function attack(target: Transport, { jobId, job }: JobContext): Promise<void> {
  const send = async (operation: OperationName, body: object, params: Call['params'] = {}) => {
    const { status, text } = await target.call({ operation, params, body: JSON.stringify(body) });
    return { status, body: JSON.parse(text) };
  };
  const worker_id = String(job.raw.worker_id);
  const error = { message: 'boom' };
  const forged = String(job.raw.x_lease).replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));
  for (const x_lease of [undefined, 'c1', forged])
    for (const owner of [{}, { worker_id }]) {
      const named = { job_id: jobId, x_lease, ...owner };
      expect(await send('worker.ack', { ...named, result: 'forged' })).toMatchObject({ status: 409 });
      expect(await send('worker.nack', { ...named, error })).toMatchObject({ status: 409 });
      expect(await send('worker.nack', { ...named, error, requeue: true })).toMatchObject({ status: 409 });
      const saved = await send('job.saveCheckpoint', { ...owner, x_lease, state: 1 }, { id: jobId });
      expect(saved).toMatchObject({ status: 409 });
      expect(await send('worker.progress', { ...named, progress: 1 })).toMatchObject({ body: { accepted: false } });
    }
  for (const worker_secret of [undefined, 'mine']) {
    const named = { worker_id, worker_secret };
    expect(await send('worker.deregister', named)).toMatchObject({ status: 409 });
    for (const state of ['running', 'terminate'])
      expect(await send('worker.heartbeat', { ...named, state, active_jobs: [], leases: {} })).toMatchObject({
        status: 409,
      });
    expect(await send('worker.fetch', { ...named, queues: ['default'] })).toMatchObject({ status: 409 });
  }
}

async function work(target: string | Transport, attacked: Transport, prefetch: number): Promise<void> {
  await using client = new Client(target);
  const worker = new Worker(target, { prefetch, concurrency: 1, handleSignals: false, logger: keepingLogger() });
  worker.register('a.job', async (ctx: JobContext<[number]>) => {
    await attack(attacked, ctx);
    await ctx.heartbeat();
    await ctx.progress(50);
    await ctx.checkpoint({ own: true });
    return ctx.args[0];
  });
  const jobs = await client.enqueueBatch([1, 2, 3].map((n) => ({ type: 'a.job', args: [n] })));
  const results = await worker.runUntil(Promise.all(jobs.map((job) => job.wait())));
  expect(results).toEqual([1, 2, 3]);
  for (const job of jobs) expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
}

describe('nobody else can end, take or extend what a Worker holds', () => {
  test.each([0, 2])('over HTTP, with %i jobs fetched ahead', async (prefetch) => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    await using other = connect(server.url);
    await work(server.url, other, prefetch);
  });

  test('embedded', async () => {
    await using embedded = await openEmbedded('memory:');
    await work(embedded, embedded, 2);
  });

  test('without worker.exchange', async () => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    await using proxy = await openProxy(server.url, (line) =>
      line.endsWith('/exchange') ? { status: 404, body: '' } : 'pass',
    );
    await using other = connect(server.url);
    await work(proxy.url, other, 0);
    const fetches = proxy.seen.filter(({ line }) => line.endsWith('/fetch')).map(({ body }) => JSON.parse(body));
    expect(fetches.length).toBeGreaterThan(0);
    for (const fetch of fetches)
      expect(fetch).toMatchObject({ leases: true, worker_secret: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });
});
