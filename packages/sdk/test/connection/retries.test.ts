import { type Embedded, openEmbedded, type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pauseAfter } from '../../src/connection/attempts.ts';
import {
  Client,
  type ClientOptions,
  DuplicateJobError,
  OJSConnectionError,
  OJSTimeoutError,
  QueuePausedError,
  RateLimitedError,
} from '../../src/index.ts';
import { Faulty, refusal } from '../support/faulty.ts';
import { keepingLogger } from '../support/log.ts';
import { type Meddling, openProxy } from '../support/proxy.ts';

const quick: ClientOptions = { requestRetry: { minBackoff: 1, maxBackoff: 2 } };

describe('retries over a transport that is spoiled', () => {
  let embedded: Embedded;
  let faulty: Faulty;
  let client: Client;

  beforeEach(async () => {
    embedded = await openEmbedded('memory:');
    faulty = new Faulty(embedded);
    client = new Client(faulty, quick);
  });

  afterEach(async () => {
    await client.close();
    await embedded[Symbol.asyncDispose]();
  });

  const available = async () => (await client.queueStats('default')).available;

  // A fault of other SDKs: a retry after a commit and a cut, or a 503, made duplicates.
  test.each(['before', 'after'] as const)('an enqueue cut off %s the commit makes one job', async (moment) => {
    faulty.spoil('job.enqueue', moment);
    const job = await client.enqueue('test.job', [1]);
    expect(job).toMatchObject({ state: 'available', outcome: 'created' });
    expect(await available()).toBe(1);
    const [first, second] = faulty.of('job.enqueue');
    expect(second).toEqual(first);
    expect(first?.idempotencyKey).toBe(job.id);
  });

  test.each(['before', 'after'] as const)('a batch cut off %s the commit makes its jobs once', async (moment) => {
    faulty.spoil('job.enqueueBatch', moment);
    const jobs = await client.enqueueBatch([
      { type: 'test.job', args: [1] },
      { type: 'test.job', args: [2] },
    ]);
    expect(jobs.map((job) => job.args)).toEqual([[1], [2]]);
    expect(await available()).toBe(2);
  });

  test('without idempotency keys, a duplicate with the call’s own id after an unknown outcome is a success', async () => {
    const refuseOwn = (operation: string) =>
      faulty.spoil(operation, async (call) => {
        const body = JSON.parse(call.body ?? '{}');
        const id = body.id ?? body.jobs[0].id;
        return refusal(409, { error: { code: 'duplicate', message: 'there', details: { existing_job_id: id } } });
      });
    faulty.spoil('job.enqueue', 'after');
    refuseOwn('job.enqueue');
    expect(await client.enqueue('test.job', [1])).toMatchObject({ args: [1], outcome: 'created' });
    faulty.spoil('job.enqueueBatch', 'after');
    refuseOwn('job.enqueueBatch');
    expect(
      (
        await client.enqueueBatch([
          { type: 'test.job', args: [2] },
          { type: 'test.job', args: [3] },
        ])
      ).map((job) => job.args),
    ).toEqual([[2], [3]]);
  });

  test('without an unknown outcome, or with another id, a duplicate is an error', async () => {
    const job = await client.enqueue('test.job', [1]);
    await expect(client.enqueue('test.job', [2], { id: job.id })).rejects.toBeInstanceOf(DuplicateJobError);
    faulty.spoil('job.enqueue', 'before');
    faulty.spoil(
      'job.enqueue',
      refusal(409, { error: { code: 'duplicate', message: 'there', details: { existing_job_id: job.id } } }),
    );
    await expect(client.enqueue('test.job', [3])).rejects.toMatchObject({ existingJobId: job.id });
  });

  test('cancel repeated after a lost answer succeeds, with and without idempotency keys', async () => {
    const one = await client.enqueue('test.job', [1]);
    faulty.spoil('job.cancel', 'after');
    expect(await client.cancelJob(one.id)).toMatchObject({ state: 'cancelled' });
    const two = await client.enqueue('test.job', [2]);
    faulty.spoil('job.cancel', 'after');
    faulty.spoil(
      'job.cancel',
      refusal(409, { error: { code: 'conflict', message: 'no', details: { current_state: 'cancelled' } } }),
    );
    expect(await client.cancelJob(two.id)).toMatchObject({ id: two.id, state: 'cancelled' });
  });

  test('delete and retry from the dead letter repeated after a lost answer succeed', async () => {
    const notFound = refusal(404, { error: { code: 'not_found', message: 'gone' } });
    faulty.spoil('deadLetter.delete', 'before');
    faulty.spoil('deadLetter.delete', notFound);
    expect(await client.deleteDeadLetterJob('a')).toEqual({ deleted: true, jobId: 'a' });
    const job = await client.enqueue('test.job', [1]);
    faulty.spoil('deadLetter.retry', 'before');
    faulty.spoil('deadLetter.retry', notFound);
    expect(await client.retryDeadLetterJob(job.id)).toMatchObject({ id: job.id, state: 'available' });
  });

  test.each([500, 502, 503, 504])('%i is retried, a page of HTML too', async (status) => {
    faulty.spoil('system.health', refusal(status, '<html>oops</html>'));
    expect(await client.health()).toMatchObject({ status: 'ok' });
  });

  test('after maxRetries the call rejects with the number of the attempt', async () => {
    const limited = new Client(faulty, { requestRetry: { maxRetries: 5, minBackoff: 1, maxBackoff: 2 } });
    for (let n = 0; n < 7; n++) faulty.spoil('system.manifest', 'before');
    await expect(limited.manifest()).rejects.toMatchObject({
      name: 'OJSConnectionError',
      operation: 'system.manifest',
      attempt: 6,
      cause: new Error('cut before'),
    });
    expect(faulty.of('system.manifest')).toHaveLength(6);
  });

  test('a call waits for the end of an outage as long as its timeout allows, and says so once', async () => {
    const logger = keepingLogger();
    const patient = new Client(faulty, { requestRetry: { minBackoff: 1, maxBackoff: 2 }, logger });
    for (let n = 0; n < 40; n++) faulty.spoil('job.enqueue', refusal(503, {}));
    expect(await patient.enqueue('test.job', [1])).toMatchObject({ outcome: 'created' });
    expect(faulty.of('job.enqueue')).toHaveLength(41);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/The client tries again\.$/) }),
    ]);
  });

  test('the last attempts of a call come shortly before its deadline', () => {
    const rules = { max: Number.POSITIVE_INFINITY, minMs: 100, maxMs: 5_000 };
    expect(pauseAfter(20, rules, 30_000)).toBeGreaterThanOrEqual(2_500);
    expect(pauseAfter(20, rules, 1_000)).toBe(500);
    expect(pauseAfter(20, rules, 100)).toBeNull();
  });

  test.each([
    [422, 'queue_paused', QueuePausedError],
    [400, 'invalid_request', Error],
  ] as const)('%i %s is not retried', async (status, code, type) => {
    faulty.spoil('job.enqueue', refusal(status, { error: { code, message: 'no', retryable: true } }));
    await expect(client.enqueue('test.job', [])).rejects.toBeInstanceOf(type);
    expect(faulty.of('job.enqueue')).toHaveLength(1);
  });

  test('a retry waits for Retry-After; one beyond the deadline fails at once', async () => {
    faulty.spoil('system.health', refusal(429, {}, { 'retry-after': '0.05' }));
    const started = performance.now();
    await client.health();
    expect(performance.now() - started).toBeGreaterThanOrEqual(45);
    faulty.spoil('system.health', refusal(429, {}, { 'retry-after': '60' }));
    const limited = await client.health().catch((error: unknown) => error);
    expect(limited).toBeInstanceOf(RateLimitedError);
    expect(limited).toMatchObject({ retryAfter: 60 });
  });

  test('health() returns the report of a degraded server', async () => {
    faulty.spoil('system.health', refusal(503, { status: 'degraded' }));
    expect(await client.health()).toEqual({ status: 'degraded' });
  });

  test('the deadline rejects with OJSTimeoutError, however silent the server is', async () => {
    faulty.spoil('system.health', () => new Promise(() => {}));
    await expect(client.health({ requestTimeout: 20 })).rejects.toBeInstanceOf(OJSTimeoutError);
  });

  test('a deadline during an attempt names the failure of the attempt before', async () => {
    faulty.spoil('system.health', 'before');
    faulty.spoil('system.health', () => new Promise(() => {}));
    await expect(client.health({ requestTimeout: 50 })).rejects.toMatchObject({
      name: 'OJSTimeoutError',
      message: 'system.health: no answer within 50 ms. Attempt 1 failed: cut before.',
      attempt: 2,
    });
  });

  test('an abort rejects with its reason at once, and before sending', async () => {
    faulty.spoil('system.health', () => new Promise(() => {}));
    const controller = new AbortController();
    const reason = new Error('enough');
    const call = client.health({ signal: controller.signal });
    await faulty.until(() => faulty.calls.length === 1);
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await expect(client.health({ signal: controller.signal })).rejects.toBe(reason);
    expect(faulty.calls).toHaveLength(1);
  });

  test('requestRetry: false tries once', async () => {
    const once = new Client(faulty, { requestRetry: false });
    faulty.spoil('system.health', 'before');
    await expect(once.health()).rejects.toBeInstanceOf(OJSConnectionError);
  });
});

describe('retries over HTTP through a hop that cuts connections', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ storage: 'memory:', port: 0, log: false });
  });
  afterAll(() => server.close());

  test.each<Meddling>(['before', 'after', { status: 502, body: '<html></html>' }])('%o', async (meddling) => {
    let spoiled = 0;
    await using proxy = await openProxy(server.url, (line) =>
      line === 'POST /ojs/v1/jobs' && spoiled++ < 2 ? meddling : 'pass',
    );
    await using client = new Client(proxy.url, quick);
    const queue = `cut-${typeof meddling === 'string' ? meddling : 'html'}`;
    const job = await client.enqueue('test.job', [1], { queue });
    expect(job.outcome).toBe('created');
    expect(await client.queueStats(queue)).toMatchObject({ available: 1 });
    expect(spoiled).toBe(3);
  });

  test('a closed port gives an OJSConnectionError with the cause', async () => {
    await using client = new Client('http://127.0.0.1:9', { requestRetry: false });
    await expect(client.health()).rejects.toMatchObject({
      name: 'OJSConnectionError',
      message:
        'system.health: connect ECONNREFUSED 127.0.0.1:9. Check the URL http://127.0.0.1:9, and that an OJS server runs there.',
      cause: { code: 'ECONNREFUSED' },
    });
  });
});
