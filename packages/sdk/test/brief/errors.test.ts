import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';

// The brief's Error Handling.

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ storage: 'sqlite:', port: 0, log: false, engine: { pausedQueues: 'reject' } });
});
afterAll(() => server.close());

test('Exception Hierarchy', () => {
  const parents = [
    [ojs.OJSError, Error],
    [ojs.OJSAPIError, ojs.OJSError],
    [ojs.OJSConnectionError, ojs.OJSError],
    [ojs.OJSTimeoutError, ojs.OJSError],
    [ojs.OJSValidationError, ojs.OJSError],
    [ojs.DuplicateJobError, ojs.OJSAPIError],
    [ojs.JobNotFoundError, ojs.OJSAPIError],
    [ojs.QueuePausedError, ojs.OJSAPIError],
    [ojs.RateLimitedError, ojs.OJSAPIError],
  ] as const;
  for (const [child, parent] of parents) expect(Object.getPrototypeOf(child)).toBe(parent);
});

test('Standard Error Codes', async () => {
  await using client = new ojs.Client(server.url, { requestRetry: false });
  const unique: ojs.UniquePolicy = { keys: ['type', 'args'] };
  const { id } = await client.enqueue('email.send', ['a'], { unique });
  const duplicate = await client.enqueue('email.send', ['a'], { unique }).catch((error: unknown) => error);
  expect(duplicate).toBeInstanceOf(ojs.DuplicateJobError);
  expect(duplicate).toMatchObject({ code: 'duplicate', statusCode: 409, retryable: false, existingJobId: id });

  const missing = await client.getJob('nonexistent-id').catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(ojs.JobNotFoundError);
  expect(missing).toMatchObject({ code: 'not_found', statusCode: 404, retryable: false });

  await client.pauseQueue('held');
  const paused = await client.enqueue('email.send', [], { queue: 'held' }).catch((error: unknown) => error);
  expect(paused).toBeInstanceOf(ojs.QueuePausedError);
  expect(paused).toMatchObject({ code: 'queue_paused', statusCode: 422, retryable: true, queue: 'held' });

  await using busy = await startServer({ storage: 'sqlite:', port: 0, log: false, requestRate: '1/1h' });
  await using hurried = new ojs.Client(busy.url, { requestRetry: false });
  await hurried.enqueue('email.send', []);
  const limited = await hurried.enqueue('email.send', []).catch((error: unknown) => error);
  expect(limited).toBeInstanceOf(ojs.RateLimitedError);
  expect(limited).toMatchObject({
    code: 'rate_limited',
    statusCode: 429,
    retryable: true,
    retryAfter: expect.any(Number),
    rateLimit: { limit: 1, remaining: 0, reset: expect.any(Number), retryAfter: expect.any(Number) },
  });
});

/** The example, which tells what it caught instead of printing it. */
async function errorHandling(client: ojs.Client, say: (line: string) => void): Promise<void> {
  // Catch specific error types
  try {
    await client.enqueue('email.send', ['user@example.com'], { unique: { keys: ['type', 'args'] } });
  } catch (error) {
    if (error instanceof ojs.DuplicateJobError) say('Job already exists');
    else if (error instanceof ojs.RateLimitedError) {
      say(`Rate limited, retry after ${error.retryAfter}s`);
      if (error.rateLimit) say(`  Remaining: ${error.rateLimit.remaining}/${error.rateLimit.limit}`);
    } else if (error instanceof ojs.QueuePausedError) say('Queue is paused');
    else if (error instanceof ojs.JobNotFoundError) say('Job not found');
    else throw error;
  }

  // Catch the base API error to inspect structured details
  try {
    await client.getJob('nonexistent-id');
  } catch (error) {
    if (!(error instanceof ojs.OJSAPIError)) throw error;
    say(`Code: ${error.code}`);
    say(`Status: ${error.statusCode}`);
    say(`Retryable: ${error.retryable}`);
    say(`Message: ${error.error.message}`);
  }
}

async function transportErrors(client: ojs.Client, say: (line: string) => void): Promise<void> {
  // Catch transport-level errors
  try {
    await client.enqueue('email.send', ['user@example.com']);
  } catch (error) {
    if (error instanceof ojs.OJSConnectionError) say('Cannot reach the OJS server');
    else if (error instanceof ojs.OJSTimeoutError) say('Request timed out');
    else throw error;
  }
}

test('Example Error Handling', async () => {
  await using client = new ojs.Client(server.url);
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  await errorHandling(client, () => {});
  await errorHandling(client, say);
  expect(lines).toEqual([
    'Job already exists',
    'Code: not_found',
    'Status: 404',
    'Retryable: false',
    expect.stringMatching(/^Message: .+/),
  ]);

  await using nobody = new ojs.Client('http://127.0.0.1:1', { requestRetry: false });
  await transportErrors(nobody, say);
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const slow = new ojs.Client(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, { timeout: 50 });
  await transportErrors(slow, say);
  silent.close();
  expect(lines.slice(-2)).toEqual(['Cannot reach the OJS server', 'Request timed out']);
});
