import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  Client,
  defineJob,
  type EnqueueMiddleware,
  group,
  JobFailedError,
  JobNotFoundError,
  job,
  OJSAPIError,
  OJSError,
  OJSTimeoutError,
  OJSValidationError,
  OjsClient,
  type StandardSchemaV1,
  Worker,
} from '../../src/index.ts';
import { type Encoder, encodes } from '../../src/middleware/types.ts';
import { keepingLogger } from '../support/log.ts';
import { openTargets } from '../support/targets.ts';

const { server, target } = await openTargets();
let queues = 0;

describe.each(['http', 'embedded'] as const)('Client over %s', (way) => {
  const open = () => new Client(target(way));
  const newQueue = () => `q${queues++}`;

  /** Runs one worker on the queue until `work` is done. */
  async function working<T>(queue: string, handler: () => unknown, work: () => Promise<T>): Promise<T> {
    const worker = new Worker(target(way), {
      queues: [queue],
      handleSignals: false,
      logger: keepingLogger(),
    });
    worker.register('test.job', handler);
    return worker.runUntil(work);
  }

  test('enqueue gives a handle: camelCase, Dates, args and meta untouched, raw verbatim', async () => {
    await using client = open();
    const queue = newQueue();
    const job = await client.enqueue('test.job', [{ snake_case: 1 }, '\u0000é'], {
      queue,
      meta: { trace_id: 'x' },
      priority: 10,
      tags: ['a'],
      retry: { maxAttempts: 5, initialInterval: '2s' },
      timeoutMs: 5000,
      scheduledAt: '2099-12-31T23:59:59+02:00',
    });
    expect(job).toMatchObject({
      type: 'test.job',
      state: 'scheduled',
      queue,
      args: [{ snake_case: 1 }, '\u0000é'],
      meta: { trace_id: 'x' },
      priority: 10,
    });
    expect(job).toMatchObject({
      tags: ['a'],
      attempt: 0,
      maxAttempts: 5,
      timeoutMs: 5000,
      retry: { maxAttempts: 5, initialInterval: 'PT2S' },
      outcome: 'created',
    });
    expect(job.scheduledAt).toEqual(new Date('2099-12-31T21:59:59Z'));
    expect(job.raw.scheduled_at).toBe('2099-12-31T23:59:59+02:00');
    expect(job.createdAt).toBeInstanceOf(Date);
    expect(job.errors).toEqual([]);
    const read = await client.getJob(job.id);
    expect(read.raw.id).toBe(job.id);
    expect(Object.keys(read)).not.toContain('wait');
  });

  test('enqueueBatch sends one atomic request in order; the error of a bad job names its index', async () => {
    await using client = open();
    const queue = newQueue();
    const jobs = await client.enqueueBatch([1, 2, 3].map((n) => ({ type: 'test.job', args: [n], queue })));
    expect(jobs.map((job) => job.args)).toEqual([[1], [2], [3]]);
    await expect(
      client.enqueueBatch([
        { type: 'test.job', args: [] },
        { type: 'test.job', args: [1n] },
      ]),
    ).rejects.toMatchObject({ name: 'OJSValidationError', issues: [{ path: '[1].args[0]' }] });
    expect((await client.queueStats(queue)).available).toBe(3);
    expect(await client.enqueueBatch([])).toEqual([]);
  });

  test('a refused request stays refused, even if the caller mends its object meanwhile', async () => {
    await using client = open();
    const queue = newQueue();
    const args: unknown[] = [1n];
    const refused = client.enqueue('test.job', args, { queue });
    args[0] = 1;
    await expect(refused).rejects.toMatchObject({ name: 'OJSValidationError' });
    expect((await client.listQueues()).some(({ name }) => name === queue)).toBe(false);
  });

  test('close() waits for calls that wait for a schema or a middleware before anything is sent', async () => {
    const { promise: signal, resolve: go } = Promise.withResolvers<void>();
    const schema: StandardSchemaV1<[], []> = {
      '~standard': { version: 1, vendor: 'test', validate: () => signal.then(() => ({ value: [] })) },
    };
    const typed = defineJob('test.job', { args: schema });
    const plain = open();
    const held = open();
    held.middlewares.add(async (request, next) => {
      await signal;
      return next(request);
    });
    const passing = open();
    passing.middlewares.add((request, next) => next(request));
    const queue = newQueue();
    const calls = [
      plain.enqueue(typed, [], { queue }),
      plain.enqueueBatch([job(typed, [], { queue })]),
      held.enqueue('test.job', [], { queue }),
      held.enqueueBatch([{ type: 'test.job', args: [], queue }]),
      passing.enqueue('test.job', [], { queue }),
    ];
    const closed = Promise.all([plain.close(), held.close(), passing.close()]);
    await expect(plain.enqueueBatch([{ type: 'test.job', args: [] }])).rejects.toThrow('closed');
    go();
    expect((await Promise.all(calls)).flat().map(({ outcome }) => outcome)).toEqual(Array(5).fill('created'));
    await closed;
  });

  test('close() waits for a workflow and a cron with an asynchronous schema', async () => {
    const { promise: signal, resolve: go } = Promise.withResolvers<void>();
    const client = open();
    const encode: Encoder = (args, meta) => signal.then(() => ({ args, meta }));
    const middleware: EnqueueMiddleware = async (request, next) => {
      await signal;
      return next(request);
    };
    client.middlewares.add(Object.assign(middleware, { [encodes]: encode }));
    const name = newQueue();
    const begun = Promise.all([
      client.workflow(group('both', [{ type: 'test.job', args: [], queue: newQueue() }])),
      client.registerCronJob(name, '@yearly', 'test.job'),
    ]);
    const closed = client.close();
    go();
    expect(await begun).toMatchObject([{ name: 'both' }, { name }]);
    await closed;
  });

  test('a second cancel is a conflict; unknown and malformed ids are not_found', async () => {
    await using client = open();
    const job = await client.enqueue('test.job', [], { queue: newQueue() });
    expect(await job.cancel()).toMatchObject({ id: job.id, state: 'cancelled', cancelledAt: expect.any(Date) });
    await expect(client.cancelJob(job.id)).rejects.toMatchObject({
      code: 'conflict',
      statusCode: 409,
      jobId: job.id,
      operation: 'job.cancel',
    });
    await expect(client.getJob('no-id')).rejects.toBeInstanceOf(JobNotFoundError);
    expect(await job.refresh()).toMatchObject({ state: 'cancelled' });
    await expect(job.wait()).rejects.toMatchObject({ name: 'JobFailedError', job: { state: 'cancelled' } });
  });

  test('queues: pause, resume, list, stats', async () => {
    await using client = open();
    const queue = newQueue();
    await client.enqueue('test.job', [], { queue });
    expect(await client.pauseQueue(queue)).toMatchObject({ name: queue, status: 'paused', paused: true });
    expect((await client.listQueues()).find(({ name }) => name === queue)).toMatchObject({
      paused: true,
      createdAt: expect.any(Date),
    });
    expect(await client.queueStats(queue)).toMatchObject({
      queue,
      status: 'paused',
      available: 1,
      active: 0,
      computedAt: expect.any(Date),
    });
    expect(await client.resumeQueue(queue)).toMatchObject({ name: queue, paused: false });
    const many = Array.from({ length: 205 }, (_, n) => `${queue}-${n}`);
    await client.enqueueBatch(many.map((name) => ({ type: 'test.job', args: [], queue: name })));
    expect((await client.listQueues()).filter(({ name }) => name.startsWith(`${queue}-`))).toHaveLength(205);
  });

  test('wait() resolves with the result or rejects with the failure history; deadline and abort reject at once', async () => {
    await using client = open();
    const queue = newQueue();
    const good = await client.enqueue('test.job', [], { queue });
    await expect(good.wait({ timeout: 20 })).rejects.toBeInstanceOf(OJSTimeoutError);
    const reason = new Error('enough');
    await expect(good.wait({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(
      await working(
        queue,
        () => ({ Sent_at: 1 }),
        () => good.wait(),
      ),
    ).toEqual({ Sent_at: 1 });
    const bad = await client.enqueue('test.job', [], { queue, retry: { maxAttempts: 1 } });
    const fail = () => {
      throw new RangeError('too far');
    };
    const failure = await working(queue, fail, () => bad.wait().catch((error: unknown) => error));
    expect(failure).toBeInstanceOf(JobFailedError);
    expect(failure).toMatchObject({
      jobId: bad.id,
      job: { state: 'discarded' },
      errors: [
        { type: 'RangeError', code: 'handler_error', message: 'too far', attempt: 1, occurredAt: expect.any(Date) },
      ],
    });
  });

  test('dead letter: list over pages, retry, delete', async () => {
    await using client = open();
    const queue = newQueue();
    const jobs = await client.enqueueBatch(
      [1, 2, 3].map((n) => ({
        type: 'test.job',
        args: [n],
        queue,
        retry: { maxAttempts: 1, onExhaustion: 'dead_letter' },
      })),
    );
    const fail = () => {
      throw new Error('no');
    };
    await working(queue, fail, () => Promise.allSettled(jobs.map((job) => job.wait())));
    const page = await client.listDeadLetterJobs({ queue, limit: 2 });
    expect(page).toMatchObject({ total: 3, limit: 2, offset: 0, hasMore: true });
    expect(page.items).toHaveLength(2);
    const all = await Array.fromAsync(page);
    expect(new Set(all.map(({ id }) => id))).toEqual(new Set(jobs.map(({ id }) => id)));
    const [first, second] = all;
    expect(await client.retryDeadLetterJob(first?.id ?? '')).toMatchObject({
      id: first?.id,
      state: 'available',
      attempt: 0,
    });
    expect(await client.deleteDeadLetterJob(second?.id ?? '')).toEqual({ deleted: true, jobId: second?.id });
    await expect(client.deleteDeadLetterJob(second?.id ?? '')).rejects.toBeInstanceOf(JobNotFoundError);
    expect((await client.listDeadLetterJobs({ queue })).items).toHaveLength(1);
  });

  test('manifest() and health() return the server’s documents verbatim', async () => {
    await using client = open();
    expect(await client.manifest()).toMatchObject({ specversion: '1.0', conformance_level: expect.any(Number) });
    expect(await client.health()).toMatchObject({ status: 'ok' });
  });

  test('a refusal of the server is an OJSAPIError with the request id', async () => {
    await using client = open();
    const error = await client.enqueue('test.job', ['x'.repeat(2_000_000)], {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OJSAPIError);
    expect(error).toMatchObject({
      statusCode: 413,
      code: 'envelope_too_large',
      retryable: false,
      requestId: expect.stringMatching(/^req_/),
    });
  });
});

describe('Client', () => {
  test('specVersion, alias, and a closed client', async () => {
    expect(Client.specVersion).toBe('1.0');
    expect(OjsClient).toBe(Client);
    const client = new Client(server.url);
    await client.health();
    await client.close();
    await client.close();
    await expect(client.health()).rejects.toThrow(OJSError);
  });

  test.each(['localhost:8080', 'ftp://x', ''])('the target %o is refused', (target) => {
    expect(() => new Client(target)).toThrow(OJSValidationError);
  });

  test('a target with the path of the binding is refused', () => {
    expect(() => new Client('http://localhost:8080/ojs/v1')).toThrow(
      'target: expected an http or https URL without /ojs/v1',
    );
    expect(() => new Client('http://localhost:8080/base/ojs/v1/')).toThrow('without /ojs/v1');
  });

  test('a handle is logged under its public name', async () => {
    await using client = new Client(server.url);
    const handle = await client.enqueue('logged.job', [1]);
    expect(inspect(handle)).toMatch(/^JobHandle \{\n {2}outcome: 'created',\n {2}id: /);
    expect(inspect(await client.workflow(group('logged', [{ type: 'logged.job', args: [] }])))).toMatch(
      /^WorkflowHandle \{\n {2}id: /,
    );
  });
});
