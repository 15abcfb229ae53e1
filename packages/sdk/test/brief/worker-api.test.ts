import { type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';
import { openProxy } from '../support/proxy.ts';

// The brief's Worker API Reference.

let server: RunningServer;
let client: ojs.Client;
beforeAll(async () => {
  server = await startServer({ storage: 'sqlite:', port: 0, log: false, tokens: ['brief-token'] });
  client = new ojs.Client(server.url, { token: 'brief-token' });
});
afterAll(async () => {
  await client.close();
  await server.close();
});

const headers = { Authorization: 'Bearer brief-token' };

test('Constructor', async () => {
  await using proxy = await openProxy(server.url, () => 'pass');
  const worker = new ojs.Worker(proxy.url, {
    queues: ['email', 'default'], // Queues to subscribe to
    concurrency: 10, // Max parallel jobs
    pollInterval: '2s', // between fetch attempts, where the server has no long poll
    heartbeatInterval: '5s', // between heartbeats
    visibilityTimeoutMs: 30_000, // Job reservation period (ms)
    timeout: '30s', // HTTP request timeout
    headers: { Authorization: 'Bearer brief-token' },
    handleSignals: false,
  });
  await worker.runUntil(() => worker.ready);
  expect(proxy.seen[0]?.headers.authorization).toBe('Bearer brief-token');
});

test('Handler Registration', async () => {
  const done: string[] = [];
  const sendEmail = async (to: string) => void done.push(`to ${to}`);
  const exportData = async (id: string) => void done.push(`export ${id}`);
  const worker = new ojs.Worker(server.url, { headers, handleSignals: false });

  worker.register('email.send', async (ctx: ojs.JobContext<[to: string]>) => {
    const [to] = ctx.args;
    await sendEmail(to);
    return { sent: true };
  });

  async function handleExport(ctx: ojs.JobContext<[id: string]>) {
    await exportData(ctx.args[0]);
  }
  worker.handler('data.export', handleExport);

  const jobs = await client.enqueueBatch([
    { type: 'email.send', args: ['a@b.com'] },
    { type: 'data.export', args: ['7'] },
  ]);
  const results = await worker.runUntil(() => Promise.all(jobs.map((job) => job.wait())));
  expect(results).toEqual([{ sent: true }, undefined]);
  expect(done.toSorted()).toEqual(['export 7', 'to a@b.com']);
});

test('JobContext Properties', async () => {
  const worker = new ojs.Worker(server.url, { queues: ['context'], headers, handleSignals: false });
  let seen: object = {};
  worker.register('context.first', () => 'first result');
  worker.register('context.show', (ctx) => {
    const job: ojs.Job = ctx.job;
    const [jobId, jobType]: [string, string] = [ctx.jobId, ctx.jobType];
    const args: readonly unknown[] = ctx.args;
    const meta: Record<string, unknown> = ctx.meta;
    const attempt: number = ctx.attempt;
    const parents: readonly unknown[] = ctx.parentResults;
    const cancelled: boolean = ctx.isCancelled;
    expect([jobId, jobType, args, meta, attempt]).toEqual([job.id, job.type, job.args, job.meta, job.attempt]);
    seen = { jobType, args, meta, attempt, parents, cancelled };
  });
  const first = { type: 'context.first', args: [], queue: 'context' };
  const second = { type: 'context.show', args: [{ a: 1 }], meta: { tenant: 'acme' }, queue: 'context' };
  const wf = await client.workflow(ojs.chain('context', [first, second]));
  await worker.runUntil(() => wf.wait());
  expect(seen).toMatchObject({
    jobType: 'context.show',
    args: [{ a: 1 }],
    meta: { tenant: 'acme' },
    attempt: 1,
    parents: ['first result'],
    cancelled: false,
  });
});

test('Worker Lifecycle: start() blocks until stop()', async () => {
  const worker = new ojs.Worker(server.url, { headers, handleSignals: false });
  const stopped = worker.start(); // blocks until shutdown
  await worker.ready;
  expect(worker.state).toBe('running');
  await worker.stop(); // Programmatic shutdown
  await stopped;
  expect(worker.state).toBe('idle');
});
