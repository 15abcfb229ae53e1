import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Embedded, openEmbedded, startServer } from '@ojs-ts/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Client,
  chain,
  type JobContext,
  JobFailedError,
  JobNotFoundError,
  OJSTimeoutError,
  type Transport,
  Worker,
} from '../../src/index.ts';
import { gate } from '../support/bench.ts';
import { Faulty, refusal } from '../support/faulty.ts';
import { keepingLogger } from '../support/log.ts';
import { openTunnel } from '../support/tunnel.ts';

const logger = keepingLogger();

describe('waits over HTTP', () => {
  test('1,000 waits share a few connections and calls, and wake when their job ends', async () => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    await using tunnel = await openTunnel(server.url);
    await using client = new Client(tunnel.url, { logger });
    const jobs = await client.enqueueBatch(
      Array.from({ length: 1_000 }, (_, index) => ({ type: 'test.job', args: [index] })),
    );
    const before = tunnel.count;
    const results = Promise.all(jobs.map((job) => job.wait({ timeout: '100s' })));
    await expect.poll(() => server.engine.jobEnds.size).toBe(1);
    expect(tunnel.count - before).toBeLessThanOrEqual(1);
    const worker = new Worker(server.url, { concurrency: 50, handleSignals: false, logger });
    worker.register('test.job', ({ args: [index] }: JobContext<[number]>) => index);
    expect(await worker.runUntil(() => results)).toEqual(Array.from({ length: 1_000 }, (_, index) => index));
    // 64 is what the pool has for the reads of the jobs that ended together.
    expect(tunnel.count).toBeLessThanOrEqual(66);
  });

  test('a wait wakes within milliseconds', async () => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    await using client = new Client(server.url, { logger });
    const worker = new Worker(server.url, { handleSignals: false, logger });
    const { opened, open } = gate();
    let ended = 0;
    worker.register('test.job', async () => {
      await opened;
      ended = performance.now();
    });
    await worker.runUntil(async () => {
      const job = await client.enqueue('test.job', []);
      const waiting = job.wait();
      await expect.poll(() => server.engine.jobEnds.size).toBe(1);
      open();
      await waiting;
      const latency = performance.now() - ended;
      // On a busy machine it was 9 ms in the middle, 78 ms at p99; a held call that wakes nobody would take 20 s.
      expect(latency).toBeLessThan(10_000);
    });
  });

  test('a wait survives a restart of the server', async () => {
    await using temporary = openTemporary();
    let server = await startServer({ ...temporary.options, port: 0 });
    const port = Number(new URL(server.url).port);
    await using client = new Client(server.url, {
      logger,
      requestRetry: { maxRetries: 100, minBackoff: 10, maxBackoff: 50 },
    });
    const job = await client.enqueue('test.job', []);
    const workflow = await client.workflow(chain('c', [{ type: 'test.job', args: [] }]));
    const waits = Promise.all([job.wait(), workflow.wait()]);
    await expect.poll(() => server.engine.jobEnds.size).toBe(1);
    await server.close();
    server = await startServer({ ...temporary.options, port });
    const worker = new Worker(server.url, { handleSignals: false, logger });
    worker.register('test.job', () => 'done');
    expect(await worker.runUntil(() => waits)).toEqual(['done', 'done']);
    await server.close();
  });

  test('workflows share one stream, which ends with the last wait', async () => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    await using client = new Client(server.url, { logger });
    const step = { type: 'test.job', args: [] };
    const workflows = await Promise.all(Array.from({ length: 20 }, () => client.workflow(chain('c', [step, step]))));
    const results = Promise.all(workflows.map((workflow) => workflow.wait()));
    await expect.poll(() => server.engine.subscriptions.followers).toBe(1);
    const worker = new Worker(server.url, { handleSignals: false, logger });
    worker.register('test.job', () => 1);
    expect(await worker.runUntil(() => results)).toEqual(Array.from({ length: 20 }, () => 1));
    await expect.poll(() => server.engine.subscriptions.followers).toBe(0);
  });
});

describe('waits on servers of other kinds', () => {
  let embedded: Embedded;
  let worker: Worker;

  beforeEach(async () => {
    embedded = await openEmbedded('memory:');
    worker = new Worker(embedded, { handleSignals: false, logger });
    worker.register('test.job', ({ args: [value] }: JobContext<[number]>) => value);
    worker.register('job.fail', () => {
      throw new Error('no');
    });
  });

  afterEach(async () => {
    await embedded[Symbol.asyncDispose]();
  });

  /** A server with other answers to some calls, and without streams. */
  function other(
    answer: (operation: string, text: string) => { status: number; text: string } | null,
  ): Transport & { readonly seen: string[] } {
    const seen: string[] = [];
    return {
      seen,
      async call(call, context) {
        seen.push(call.operation);
        const body =
          call.operation === 'job.results'
            ? { body: JSON.stringify({ ...JSON.parse(call.body ?? '{}'), wait_ms: 0 }) }
            : {};
        const real = await embedded.call({ ...call, ...body }, context);
        return { ...real, ...answer(call.operation, real.text) };
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  const cases: readonly (readonly [string, () => ReturnType<typeof other>])[] = [
    ['that answers at once', () => other(() => null)],
    [
      'without results of many jobs',
      () => other((operation) => (operation === 'job.results' ? { status: 404, text: 'nothing here' } : null)),
    ],
    [
      'without a manifest',
      () => other((operation) => (operation === 'system.manifest' ? { status: 404, text: 'nothing here' } : null)),
    ],
  ];
  test.each(cases)('one %s', async (_, open) => {
    const transport = open();
    await using client = new Client(transport, { logger });
    const jobs = await client.enqueueBatch([1, 2, 3].map((value) => ({ type: 'test.job', args: [value] })));
    const doomed = await client.enqueue('job.fail', [], { retry: { maxAttempts: 1 } });
    const workflow = await client.workflow(chain('c', [{ type: 'test.job', args: [7] }]));
    const all = Promise.all([...jobs.map((job) => job.wait()), workflow.wait()]);
    const failing = doomed.wait().catch((error: unknown) => error);
    await expect(jobs[0]?.wait({ timeout: 120 })).rejects.toBeInstanceOf(OJSTimeoutError);
    expect(await worker.runUntil(() => all)).toEqual([1, 2, 3, 7]);
    expect(await failing).toMatchObject({ name: 'JobFailedError', errors: [{ message: 'no', attempt: 1 }] });
  });
});

describe('the ends of a wait', () => {
  let embedded: Embedded;
  let wire: Faulty;
  let client: Client;

  beforeEach(async () => {
    embedded = await openEmbedded('memory:');
    wire = new Faulty(embedded);
    client = new Client(wire, { logger, requestRetry: { minBackoff: 1, maxBackoff: 2 } });
  });

  afterEach(async () => {
    await client.close();
    await embedded[Symbol.asyncDispose]();
  });

  test('the timeout error of a wait says what the job waits for', async () => {
    const waits = async (options: Parameters<typeof client.enqueue>[2]) => {
      const job = await client.enqueue('test.job', [], options);
      return job.wait({ timeout: 1 }).catch((error: unknown) => error);
    };
    const available = await waits({ queue: 'elsewhere' });
    expect(available).toBeInstanceOf(OJSTimeoutError);
    expect(available).toMatchObject({
      queue: 'elsewhere',
      message:
        'The job did not end within 1 ms. It is available in the queue elsewhere, and no worker has taken it yet. Is there a worker that fetches elsewhere and has a handler for test.job?',
    });
    expect(logger.lines.filter(({ message }) => message.startsWith('requestTimeout'))).toEqual([]);
    const at = new Date(Date.now() + 3_600_000);
    expect(await waits({ scheduledAt: at })).toMatchObject({
      message: `The job did not end within 1 ms. It is scheduled for ${at.toISOString()} in the queue default.`,
    });
  });

  test('cancelled jobs, gone jobs, time, the caller and the end of the client', async () => {
    const job = await client.enqueue('test.job', []);
    const one = job.wait().catch((error: unknown) => error);
    await job.cancel();
    expect(await one).toBeInstanceOf(JobFailedError);
    const gone = await client.enqueue('test.job', []);
    wire.spoil('job.results', refusal(200, { results: { [gone.id]: null } }));
    wire.spoil('job.get', refusal(404, { error: { code: 'not_found', message: 'gone' } }));
    await expect(gone.wait()).rejects.toBeInstanceOf(JobNotFoundError);
    await expect(gone.wait({ timeout: 10 })).rejects.toThrow('did not end within 10 ms');
    const aborted = new AbortController();
    const waiting = gone.wait({ signal: aborted.signal });
    aborted.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect.poll(() => embedded.engine.jobEnds.size).toBe(0);
    const workflow = await client.workflow(chain('c', [{ type: 'a.b', args: [] }]));
    const ends = Promise.allSettled([gone.wait(), workflow.wait()]);
    await expect.poll(() => embedded.engine.jobEnds.size).toBe(1);
    await client.close();
    expect(await ends).toMatchObject([
      { reason: { message: 'The call: this client is closed. Close it after its last call.' } },
      { reason: { message: 'The call: this client is closed. Close it after its last call.' } },
    ]);
  });

  test('a long wait survives an outage in its middle as well as at its beginning', async () => {
    await using patient = new Client(wire, { logger, timeout: 2_000, requestRetry: false });
    const job = await client.enqueue('test.job', []);
    wire.spoil('job.results', async () => {
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      return refusal(200, { results: { [job.id]: { job_id: job.id, state: 'available' } } });
    });
    wire.spoil('job.results', 'before');
    const waiting = patient.getJob(job.id).then((handle) => handle.wait());
    await Promise.race([waiting, expect.poll(() => embedded.engine.jobEnds.size).toBe(1)]);
    await client.cancelJob(job.id);
    await expect(waiting).rejects.toBeInstanceOf(JobFailedError);
  });

  test('a wait for a workflow survives an outage longer than a call’s retries, but not any', async () => {
    await using patient = new Client(wire, { logger, timeout: 2_000, requestRetry: false });
    const { id } = await client.workflow(chain('c', [{ type: 'a.b', args: [] }]));
    const handle = await patient.getWorkflow(id);
    for (let n = 0; n < 3; n++) wire.spoil('workflow.get', 'before');
    const waiting = handle.wait().catch((error: unknown) => error);
    await wire.until(() => wire.of('workflow.get').length >= 4);
    await client.cancelWorkflow(id);
    expect(await waiting).toMatchObject({ name: 'WorkflowFailedError' });
    for (let n = 0; n < 20; n++) wire.spoil('workflow.get', 'before');
    await expect(handle.wait()).rejects.toMatchObject({ name: 'OJSConnectionError' });
  });

  test('of two waits for a job one may give up; a refusal rejects both', async () => {
    const job = await client.enqueue('test.job', []);
    const stays = expect(job.wait()).rejects.toBeInstanceOf(JobFailedError);
    await expect(job.wait({ timeout: 10 })).rejects.toBeInstanceOf(OJSTimeoutError);
    await client.cancelJob(job.id);
    await stays;
    const other = await client.enqueue('test.job', []);
    wire.spoil('job.results', refusal(403, { error: { code: 'forbidden', message: 'no' } }));
    await expect(Promise.all([other.wait(), other.wait()])).rejects.toMatchObject({ statusCode: 403 });
  });

  test('waits that begin one after the other are merged into a few calls', async () => {
    const jobs = await client.enqueueBatch(Array.from({ length: 30 }, () => ({ type: 'test.job', args: [] })));
    const waits: Promise<unknown>[] = [];
    for (const job of jobs) {
      waits.push(job.wait());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => embedded.engine.jobEnds.size).toBeLessThanOrEqual(4);
    const worker = new Worker(embedded, { handleSignals: false, logger });
    worker.register('test.job', () => 1);
    expect(await worker.runUntil(() => Promise.all(waits))).toHaveLength(30);
  });

  test('a job retried before it was read is waited for again', async () => {
    const job = await client.enqueue('test.job', []);
    wire.spoil('job.results', refusal(200, { results: { [job.id]: { job_id: job.id, state: 'discarded' } } }));
    const waiting = job.wait();
    await wire.until(() => wire.of('job.results').length === 2);
    await client.cancelJob(job.id);
    await expect(waiting).rejects.toBeInstanceOf(JobFailedError);
  });
});

function openTemporary() {
  const home = mkdtempSync(join(tmpdir(), 'ojs-waits-'));
  return {
    options: { storage: `sqlite:${join(home, 'jobs.db')}`, log: false as const },
    async [Symbol.asyncDispose]() {
      rmSync(home, { recursive: true });
    },
  };
}
