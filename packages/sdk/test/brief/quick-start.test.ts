import { startServer } from '@ojs-ts/server';
import { afterAll, expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';
import { keepingLogger } from '../support/log.ts';
import { openProxy } from '../support/proxy.ts';

// The brief's Quick Start, word for word where TypeScript has the words.

const server = await startServer({ storage: 'sqlite:', port: 0, log: false });
afterAll(() => server.close());

test('Enqueue a Job (Producer); Process Jobs (Worker)', async () => {
  const lines: string[] = [];

  async function main() {
    await using client = new ojs.Client(server.url);
    const job = await client.enqueue('email.send', ['user@example.com', 'welcome'], { queue: 'email' });
    lines.push(`Enqueued: ${job.id}`);
  }
  await main();
  expect(lines).toEqual([expect.stringMatching(/^Enqueued: [0-9a-f-]{36}$/)]);

  const worker = new ojs.Worker(server.url, { queues: ['email', 'default'], concurrency: 10, handleSignals: false });
  const sent: unknown[] = [];

  worker.register('email.send', async (ctx) => {
    const [to, template] = ctx.args;
    sent.push(to, template); // ... send the email ...
    return { sent: true };
  });

  await using client = new ojs.Client(server.url);
  const job = await client.getJob((lines[0] ?? '').slice('Enqueued: '.length));
  await worker.runUntil(async () => {
    expect(await job.wait()).toEqual({ sent: true });
  });
  expect(sent).toEqual(['user@example.com', 'welcome']);
  expect(await job.refresh()).toMatchObject({ state: 'completed', result: { sent: true }, queue: 'email' });
});

test('Client -> Server Flow: validate, enqueue middleware, POST /ojs/v1/jobs as application/openjobspec+json, 201', async () => {
  await using proxy = await openProxy(server.url, () => 'pass');
  await using client = new ojs.Client(proxy.url);
  const order: string[] = [];
  client.enqueueMiddleware(async (request, next) => {
    order.push(`middleware of ${request.type}`);
    const job = await next(request);
    order.push(`then ${job?.state}`);
    return job;
  });
  await expect(client.enqueue('Not A Type', [])).rejects.toBeInstanceOf(ojs.OJSValidationError);
  await client.enqueue('email.send', []);
  expect(order).toEqual(['middleware of email.send', 'then available']);
  expect(proxy.seen.map(({ line, headers }) => [line, headers['content-type']])).toEqual([
    ['POST /ojs/v1/jobs', 'application/openjobspec+json'],
  ]);
});

test('Enqueue with Options', async () => {
  await using client = new ojs.Client(server.url);
  const job = await client.enqueue('email.send', [{ to: 'user@example.com', template: 'welcome' }], {
    queue: 'email',
    priority: 10,
    retry: { maxAttempts: 5, initialInterval: 'PT2S', backoffCoefficient: 2.0 },
    unique: { keys: ['type', 'args'], period: 'PT1H', onConflict: 'reject' },
    tags: ['onboarding'],
  });
  expect(await job.refresh()).toMatchObject({
    queue: 'email',
    priority: 10,
    maxAttempts: 5,
    retry: { maxAttempts: 5, initialInterval: 'PT2S', backoffCoefficient: 2 },
    unique: { keys: ['type', 'args'], period: 'PT1H', onConflict: 'reject' },
    tags: ['onboarding'],
  });
});

test('Batch Enqueue', async () => {
  await using client = new ojs.Client(server.url);
  const jobs = await client.enqueueBatch([
    { type: 'email.send', args: ['a@b.com', 'welcome'], queue: 'email' },
    { type: 'email.send', args: ['c@d.com', 'welcome'], queue: 'email' },
  ]);
  const [first, second] = jobs; // a tuple of two
  expect([first.args, second.args, first.queue]).toEqual([['a@b.com', 'welcome'], ['c@d.com', 'welcome'], 'email']);
});

test('Features: structured concurrency: start() settles after all that it began, and a handler that throws ends no other', async () => {
  const logger = keepingLogger();
  await using client = new ojs.Client(server.url);
  const worker = new ojs.Worker(server.url, { queues: ['structured'], concurrency: 2, handleSignals: false, logger });
  let ended = false;
  worker.register('slow.job', async ({ signal }) => {
    await new Promise((resolve) => setTimeout(resolve, 50, signal));
    ended = true;
  });
  worker.register('bad.job', () => {
    throw new Error('bad');
  });
  const slow = await client.enqueue('slow.job', [], { queue: 'structured' });
  const bad = await client.enqueue('bad.job', [], { queue: 'structured', retry: { maxAttempts: 1 } });
  const running = worker.start();
  await expect(bad.wait()).rejects.toBeInstanceOf(ojs.JobFailedError);
  await slow.wait();
  await worker.stop();
  await running;
  expect([ended, worker.state]).toEqual([true, 'idle']);
});
