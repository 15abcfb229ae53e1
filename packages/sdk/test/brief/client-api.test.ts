import { type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';
import { keepingLogger } from '../support/log.ts';

// The six tables of the brief's Client API Reference, row by row.

let server: RunningServer;
let client: ojs.Client;
beforeAll(async () => {
  server = await startServer({ storage: 'sqlite:', port: 0, log: false });
  client = new ojs.Client(server.url);
});
afterAll(async () => {
  await client.close();
  await server.close();
});

test('Job Operations', async () => {
  const job: ojs.Job = await client.enqueue('email.send', [], {
    queue: 'email',
    meta: { tenant: 'acme' },
    priority: 5,
    timeoutMs: 60_000,
    delayUntil: '2098-01-01T00:00:00Z',
    expiresAt: new Date('2099-01-02T00:00:00Z'),
    retry: {
      maxAttempts: 3,
      initialInterval: 'PT1S',
      backoffCoefficient: 2.0,
      maxInterval: 'PT5M',
      jitter: true,
      nonRetryableErrors: ['ValidationError'],
    },
    unique: { keys: ['type'] },
    tags: ['a'],
    schema: 'urn:example:email.send:1',
  });
  const got: ojs.Job = await client.getJob(job.id);
  expect(got).toMatchObject({
    id: job.id,
    queue: 'email',
    meta: { tenant: 'acme' },
    priority: 5,
    timeoutMs: 60_000,
    state: 'scheduled',
    scheduledAt: new Date('2098-01-01T00:00:00Z'),
    expiresAt: new Date('2099-01-02T00:00:00Z'),
    retry: { maxInterval: 'PT5M', jitter: true, nonRetryableErrors: ['ValidationError'] },
    unique: { keys: ['type'] },
    tags: ['a'],
    schema: 'urn:example:email.send:1',
  });
  const jobs: ojs.Job[] = await client.enqueueBatch([{ type: 'email.notify', args: [] }]);
  expect(jobs).toMatchObject([{ type: 'email.notify', state: 'available' }]);
  const cancelled: ojs.Job = await client.cancelJob(job.id);
  expect(cancelled.state).toBe('cancelled');
});

test('Queue Operations', async () => {
  await client.enqueue('a.b', [], { queue: 'stats' });
  const queues: ojs.Queue[] = await client.listQueues();
  expect(queues.map(({ name }) => name)).toContain('stats');
  const stats: ojs.QueueStats = await client.queueStats('stats');
  expect(stats).toMatchObject({ queue: 'stats', available: 1, active: 0 });
  expect((await client.pauseQueue('stats')).status).toBe('paused');
  expect((await client.resumeQueue('stats')).paused).toBe(false);
});

test('Workflow Operations', async () => {
  const wf: ojs.Workflow = await client.workflow(ojs.chain('c', [{ type: 'a.b', args: [] }]));
  expect((await client.getWorkflow(wf.id)).state).toBe('running');
  expect((await client.cancelWorkflow(wf.id)).state).toBe('cancelled');
});

test('Cron Operations', async () => {
  const cron: ojs.CronJob = await client.registerCronJob('daily-report', '0 9 * * *', 'report.daily', [], {
    timezone: 'America/New_York',
    queue: 'reports',
    meta: { team: 'x' },
    priority: 1,
    retry: { maxAttempts: 2 },
    tags: ['cron'],
  });
  expect(cron).toMatchObject({
    name: 'daily-report',
    cron: '0 9 * * *',
    type: 'report.daily',
    timezone: 'America/New_York',
    queue: 'reports',
    meta: { team: 'x' },
    priority: 1,
    retry: { maxAttempts: 2 },
    tags: ['cron'],
    nextRunAt: expect.any(Date),
  });
  await client.registerCronJob({
    name: 'other-report',
    cron: '0 9 * * *',
    type: 'report.daily',
    timezone: 'America/New_York',
  });
  expect(await client.listCronJobs({ limit: 1, offset: 1 })).toMatchObject({
    items: [{ name: 'other-report' }],
    limit: 1,
    offset: 1,
  });
  expect(await client.unregisterCronJob(cron.name)).toEqual({ deleted: true, name: 'daily-report' });
});

test('Dead Letter Operations', async () => {
  const retry: ojs.RetryPolicy = { maxAttempts: 1, onExhaustion: 'dead_letter' };
  const requests = ['one', 'two', 'three'].map((name) => ({
    type: 'email.fail',
    args: [name],
    queue: 'doomed',
    retry,
  }));
  const jobs = await client.enqueueBatch(requests);
  const worker = new ojs.Worker(server.url, { queues: ['doomed'], handleSignals: false, logger: keepingLogger() });
  worker.register('email.fail', ({ args: [name] }) => {
    throw new Error(String(name));
  });
  await worker.runUntil(() => Promise.allSettled(jobs.map((job) => job.wait())));
  const messages: (string | undefined)[] = [];
  for await (const dead of await client.listDeadLetterJobs({ queue: 'doomed', limit: 2, offset: 0 }))
    messages.push(dead.error?.message); // all pages
  expect(messages.toSorted()).toEqual(['one', 'three', 'two']);
  expect((await client.listDeadLetterJobs({ queue: 'doomed', limit: 1, offset: 2 })).items).toHaveLength(1);
  expect((await client.listDeadLetterJobs({ queue: 'other' })).items).toEqual([]);
  const [one, two] = jobs;
  expect((await client.retryDeadLetterJob(one?.id ?? '')).state).toBe('available');
  expect((await client.deleteDeadLetterJob(two?.id ?? '')).deleted).toBe(true);
});

test('Schema & System', async () => {
  const schema: ojs.Schema = await client.registerSchema('urn:example:email.check:1', 'email.check', '1', {
    type: 'array',
  });
  expect((await client.listSchemas({ limit: 50, offset: 0 })).items).toMatchObject([
    { uri: schema.uri, type: 'email.check', version: '1' },
  ]);
  expect((await client.getSchema(schema.uri)).schema).toEqual({ type: 'array' });
  expect(await client.deleteSchema(schema.uri)).toEqual({ deleted: true, uri: schema.uri });
  expect(await client.manifest()).toMatchObject({ specversion: expect.any(String) });
  expect(await client.health()).toMatchObject({ status: 'ok' });
  const closed = new ojs.Client(server.url);
  await closed.close();
  await expect(closed.health()).rejects.toThrow('closed');
});
