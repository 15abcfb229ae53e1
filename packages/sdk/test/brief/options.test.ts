import { defaultRetry } from '@ojs-ts/core/lifecycle';
import { openEmbedded, startServer } from '@ojs-ts/server';
import { afterAll, expect, test, vi } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import * as ojs from '../../src/index.ts';
import { readWorkerOptions } from '../../src/worker/options.ts';
import { Faulty } from '../support/faulty.ts';
import { openProxy } from '../support/proxy.ts';

// The tables of the brief's Configuration Reference.

vi.stubEnv('OJS_QUEUE', '');
const server = await startServer({ storage: 'sqlite:', port: 0, log: false });
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

test('Client Options: url, timeout 30 s, headers', async () => {
  const plain = new Connection(undefined, {});
  expect([plain.timeoutMs, plain.http?.base.href, plain.http?.headers]).toEqual([30_000, 'http://localhost:8080/', {}]);
  expect(new Connection(server.url, { timeout: '2s' }).timeoutMs).toBe(2_000);
  await using proxy = await openProxy(server.url, () => 'pass');
  await using client = new ojs.Client(proxy.url, { timeout: 30_000, headers: { 'X-Team': 'blue' } });
  await client.health();
  expect(proxy.seen[0]?.headers['x-team']).toBe('blue');
});

test('Enqueue Options: each default', async () => {
  await using client = new ojs.Client(server.url);
  const job = await (await client.enqueue('email.send', [])).refresh();
  // None of them is sent; 30 minutes is what the server gives a job without a timeout.
  expect(job).toMatchObject({
    queue: 'default',
    meta: {},
    priority: 0,
    tags: [],
    state: 'available',
    timeoutMs: 1_800_000,
  });
  for (const name of ['scheduledAt', 'expiresAt', 'retry', 'unique', 'schema'] as const)
    expect(job).not.toHaveProperty(name);
});

test('RetryPolicy Fields: the server’s defaults are the brief’s, and what is left out is not sent', async () => {
  expect(defaultRetry).toMatchObject({
    maxAttempts: 3,
    initialIntervalMs: 1_000,
    backoffCoefficient: 2,
    maxIntervalMs: 300_000,
    jitter: true,
    nonRetryableErrors: [],
  });
  await using embedded = await openEmbedded('sqlite:');
  const wire = new Faulty(embedded);
  const client = new ojs.Client(wire);
  expect((await client.enqueue('email.send', [])).maxAttempts).toBe(3);
  await client.enqueue('email.send', [], {
    retry: {
      maxAttempts: 5,
      initialInterval: 'PT2S',
      backoffCoefficient: 3,
      maxInterval: 'PT10M',
      jitter: false,
      nonRetryableErrors: ['auth.*'],
    },
  });
  await client.enqueue('email.send', [], { retry: { jitter: false } });
  expect(wire.bodies('job.enqueue').map(({ options }) => options)).toEqual([
    {},
    {
      retry: {
        max_attempts: 5,
        initial_interval: 'PT2S',
        backoff_coefficient: 3,
        max_interval: 'PT10M',
        jitter: false,
        non_retryable_errors: ['auth.*'],
      },
    },
    { retry: { jitter: false } },
  ]);
});

test('Worker Options: each default', () => {
  expect(readWorkerOptions({})).toMatchObject({
    queues: ['default'],
    concurrency: 10,
    pollMs: 2_000,
    heartbeatMs: 5_000,
    visibilityMs: 30_000,
    shutdownMs: 25_000,
    handleSignals: true,
  });
});

test('Worker Options: queues in priority order, at most `concurrency` jobs, the reservation period', async () => {
  await using embedded = await openEmbedded('sqlite:');
  const wire = new Faulty(embedded);
  const client = new ojs.Client(embedded);
  await client.enqueue('email.send', ['second'], { queue: 'low' });
  await client.enqueue('email.send', ['first'], { queue: 'high' });
  const order: unknown[] = [];
  const worker = new ojs.Worker(wire, {
    queues: ['high', 'low'],
    concurrency: 1,
    visibilityTimeoutMs: 12_000,
    handleSignals: false,
  });
  const both = Promise.withResolvers<void>();
  worker.register('email.send', ({ args: [name] }) => {
    if (order.push(name) === 2) both.resolve();
  });
  await worker.runUntil(() => both.promise);
  expect(order).toEqual(['first', 'second']);
  const [fetch] = [...wire.bodies('worker.exchange').map((body) => body.fetch), ...wire.bodies('worker.fetch')];
  expect(fetch).toMatchObject({ queues: ['high', 'low'], count: 1, visibility_timeout_ms: 12_000 });
});
