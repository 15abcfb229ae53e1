import { startServer } from '@ojs-ts/server';
import { afterAll, expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';

// The brief's Error Handling.

const server = await startServer({ storage: 'sqlite:', port: 0, log: false, engine: { pausedQueues: 'reject' } });
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
