import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import {
  batch,
  chain,
  DuplicateJobError,
  defineJob,
  group,
  JobNotFoundError,
  job,
  OJSAPIError,
  OJSAuthenticationError,
  OJSConnectionError,
  OJSError,
  OJSTimeoutError,
  OJSValidationError,
  QueuePausedError,
  RateLimitedError,
} from '../../src/index.ts';
import { SyncClient } from '../../src/sync/index.ts';
import { keepingLogger } from '../support/log.ts';
import { type Served, serve } from '../support/serve.ts';

let server: Served;
let strict: Served;
/** Each client is a thread with the SDK of its own. */
let client: SyncClient;
beforeAll(async () => {
  [server, strict] = await Promise.all([
    serve(),
    serve('--paused-queues', 'reject', '--request-rate', '4/1h', '--token', 'secret-token'),
  ]);
  client = new SyncClient(server.url);
});
afterAll(() => {
  client.close();
  return Promise.all([server, strict].map((one) => one?.[Symbol.asyncDispose]()));
});

/** What the call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('It has not thrown.');
}

const quick = { requestRetry: { minBackoff: 1, maxBackoff: 1 } };

describe('operations', () => {
  test('a delay counts by the clock of the server, in a batch too', () => {
    const { now } = Date;
    const wrong = vi.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000);
    onTestFinished(() => wrong.mockRestore());
    const one = client.enqueue('a.b', [], { delay: '10m' });
    const [two] = client.enqueueBatch([{ type: 'a.b', args: [], delay: '10m' }]);
    for (const { scheduledAt } of [one, two])
      expect(Math.abs((scheduledAt?.getTime() ?? 0) - now() - 600_000)).toBeLessThan(30_000);
  });

  test('jobs: enqueue with every option, get, cancel', () => {
    using client = new SyncClient(server.url, { queue: 'home' });
    const expiresAt = new Date('2099-01-01T00:00:00Z');
    const sent = client.enqueue('email.send', [{ to: 'a@b.c' }], {
      queue: 'email',
      meta: { tenant: 'acme' },
      priority: 7,
      timeoutMs: 60_000,
      delayUntil: '2098-01-01T00:00:00Z',
      expiresAt,
      retry: { maxAttempts: 5, initialInterval: 'PT2S', backoffCoefficient: 2.0 },
      unique: { keys: ['type', 'args'], period: 'PT1H', onConflict: 'reject' },
      tags: ['onboarding'],
    });
    const described = {
      type: 'email.send',
      queue: 'email',
      args: [{ to: 'a@b.c' }],
      meta: { tenant: 'acme' },
      priority: 7,
      timeoutMs: 60_000,
      state: 'scheduled',
      maxAttempts: 5,
      tags: ['onboarding'],
      expiresAt,
      scheduledAt: new Date('2098-01-01T00:00:00Z'),
    };
    expect(sent).toMatchObject({ ...described, outcome: 'created', createdAt: expect.any(Date) });
    expect(client.getJob(sent.id)).toMatchObject(described);
    expect(client.cancelJob(sent.id)).toMatchObject({ state: 'cancelled', cancelledAt: expect.any(Date) });
    expect(client.enqueue('a.b', []).queue).toBe('home');
    expect(SyncClient.specVersion).toBe('1.0');
  });

  test('a batch is one request, atomic, in order; its types are a tuple', () => {
    const send = defineJob<'email.send', [to: string], { id: string }>('email.send', { queue: 'batch' });
    const jobs = client.enqueueBatch([job(send, ['a']), { type: 'x.y', args: [1], queue: 'batch' }]);
    expectTypeOf(jobs[0].args).toEqualTypeOf<[to: string]>();
    expect(jobs.map(({ args, outcome }) => [args, outcome])).toEqual([
      [['a'], 'created'],
      [[1], 'created'],
    ]);
    const bad = thrown(() =>
      client.enqueueBatch([
        { type: 'x.y', args: [] },
        { type: 'Bad Type', args: [] },
      ]),
    );
    expect(bad).toMatchObject({ name: 'OJSValidationError', issues: [{ path: '[1].type' }] });
    const many = Array.from({ length: 10_001 }, () => ({ type: 'x.y', args: [], queue: 'many' }));
    expect(thrown(() => client.enqueueBatch(many))).toMatchObject({
      name: 'OJSValidationError',
      issues: [{ path: 'requests' }],
    });
    expect(client.queueStats('many').available).toBe(0);
    expect(client.enqueueBatch([])).toEqual([]);
  });

  test('workflows: chain, group and batch, nested; read; cancel', () => {
    using client = new SyncClient(server.url, { queue: 'flows' });
    const step = (type: string) => ({ type, args: [] });
    const created = client.workflow(
      chain('c', [
        step('a.b'),
        group('g', [step('a.c'), step('a.d')]),
        batch('b', [step('a.e')], { onComplete: step('a.f') }),
      ]),
    );
    expect(created).toMatchObject({ name: 'c', state: 'running', createdAt: expect.any(Date) });
    expect(client.getWorkflow(created.id).steps.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['a.b', 'a.c', 'a.d', 'a.e', 'a.f']),
    );
    expect(client.cancelWorkflow(created.id).state).toBe('cancelled');
    expect(thrown(() => client.workflow(chain('c', [step('a.b'), step('Bad')])))).toMatchObject({
      issues: [{ path: 'jobs[1].type' }],
    });
  });

  test('crons, in both forms, over pages', () => {
    using client = new SyncClient(server.url, { queue: 'crons' });
    expect(
      client.registerCronJob('daily', '0 9 * * *', 'report.make', [1], { timezone: 'Europe/Berlin', tags: ['t'] }),
    ).toMatchObject({
      name: 'daily',
      timezone: 'Europe/Berlin',
      queue: 'crons',
      args: [1],
      nextRunAt: expect.any(Date),
    });
    client.registerCronJob({ name: 'hourly', cron: '@hourly', type: 'tick.do' });
    client.registerCronJob({ name: 'weekly', cron: '@weekly', type: 'tick.do' });
    const page = client.listCronJobs({ limit: 1 });
    expect(page).toMatchObject({ total: 3, hasMore: true, limit: 1, offset: 0 });
    expect([...page].map(({ name }) => name)).toEqual(['daily', 'hourly', 'weekly']);
    expect(client.unregisterCronJob('daily')).toEqual({ deleted: true, name: 'daily' });
  });

  test('schemas', () => {
    const uri = 'urn:ojs:schema:sync.job:v1';
    const schema = { type: 'array', minItems: 1 };
    expect(client.registerSchema(uri, 'sync.job', '1', schema)).toMatchObject({ uri, schema });
    expect(thrown(() => client.enqueue('sync.job', []))).toMatchObject({
      code: 'schema_validation',
      statusCode: expect.any(Number),
    });
    expect([...client.listSchemas()].map((one) => one.uri)).toEqual([uri]);
    expect(client.getSchema(uri)).toMatchObject({ type: 'sync.job', version: '1' });
    expect(client.deleteSchema(uri)).toEqual({ deleted: true, uri });
  });
});

describe('errors are those of Client, with all their fields', () => {
  test('refusals of the server have their classes', () => {
    const missing = thrown(() => client.getJob('nonexistent-id'));
    expect(missing).toBeInstanceOf(JobNotFoundError);
    expect(missing).toMatchObject({
      statusCode: 404,
      code: 'not_found',
      retryable: false,
      jobId: 'nonexistent-id',
      operation: 'job.get',
      requestId: expect.stringMatching(/^req_/),
      error: { message: expect.any(String), details: expect.any(Object) },
    });
    const unique = { keys: ['type', 'args'] } as const;
    const { id } = client.enqueue('unique.job', [1], { unique });
    const duplicate = thrown(() => client.enqueue('unique.job', [1], { unique }));
    expect(duplicate).toBeInstanceOf(DuplicateJobError);
    expect(duplicate).toMatchObject({
      statusCode: 409,
      existingJobId: id,
      queue: 'default',
      jobId: expect.any(String),
    });
    expect(client.enqueue('unique.job', [1], { unique: { ...unique, onConflict: 'ignore' } })).toMatchObject({
      id,
      outcome: 'duplicate',
    });
  });

  test('a paused queue, no token, too many requests', () => {
    const logger = keepingLogger();
    using stranger = new SyncClient(strict.url, { token: 'wrong', logger });
    expect(thrown(() => stranger.listQueues())).toBeInstanceOf(OJSAuthenticationError);
    const tokens = ['secret-token', 'secret-token', 'secret-token', 'secret-token', 'secret-token'];
    using client = new SyncClient(strict.url, { token: () => tokens.shift() ?? '', requestRetry: false });
    client.pauseQueue('held');
    expect(thrown(() => client.enqueue('a.b', [], { queue: 'held' }))).toBeInstanceOf(QueuePausedError);
    const limited = [1, 2, 3].map(() => {
      try {
        return client.listQueues() && null;
      } catch (error) {
        return error;
      }
    });
    const last = limited.at(-1);
    expect(last).toBeInstanceOf(RateLimitedError);
    expect(last).toBeInstanceOf(OJSAPIError);
    expect(last).toMatchObject({
      statusCode: 429,
      retryAfter: expect.any(Number),
      rateLimit: { limit: 4, remaining: 0 },
    });
  });

  test('a closed port and a silent server give connection and timeout errors', async () => {
    using nobody = new SyncClient('http://127.0.0.1:1', { requestRetry: { ...quick.requestRetry, maxRetries: 5 } });
    const refused = thrown(() => nobody.health());
    expect(refused).toBeInstanceOf(OJSConnectionError);
    expect(refused).toMatchObject({
      operation: 'system.health',
      attempt: 6,
      message: expect.stringContaining('ECONNREFUSED'),
    });
    // The kernel accepts for it; nobody ever answers.
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    using client = new SyncClient(`http://127.0.0.1:${port}`, { timeout: 200 });
    const began = performance.now();
    expect(thrown(() => client.health())).toBeInstanceOf(OJSTimeoutError);
    expect(thrown(() => client.health({ requestTimeout: '50ms' }))).toMatchObject({
      name: 'OJSTimeoutError',
      message: 'system.health: no answer within 50 ms.',
    });
    expect(performance.now() - began).toBeLessThan(60_000);
    silent.close();
  });

  test('validation, before anything is sent', () => {
    using client = new SyncClient('http://127.0.0.1:1');
    expect(thrown(() => client.enqueue('Bad Type', []))).toMatchObject({
      name: 'OJSValidationError',
      issues: [{ path: 'type' }],
    });
    expect(thrown(() => client.registerCronJob('', '@daily', 'a.b'))).toBeInstanceOf(OJSValidationError);
    expect(thrown(() => client.registerSchema('', 'a.b', '1', {}))).toBeInstanceOf(OJSValidationError);
  });
});

describe('definitions', () => {
  const typed = defineJob('user.create', {
    payload: z.object({ email: z.email(), at: z.coerce.date() }),
    queue: 'typed',
  });

  test('a synchronous schema checks the args, and the job has its output', () => {
    const sent = client.enqueue(typed, [{ email: 'a@b.cd', at: '2026-01-01' }]);
    expectTypeOf(sent.args[0].at).toEqualTypeOf<Date>();
    expect(sent.args[0].at).toEqual(new Date('2026-01-01'));
    expect(client.getJob(sent.id).args).toEqual([{ email: 'a@b.cd', at: '2026-01-01' }]);
    expect(thrown(() => client.enqueue(typed, [{ email: 'no', at: '2026-01-01' }]))).toMatchObject({
      issues: [{ path: 'args[0].email' }],
    });
    const unique = { keys: ['type', 'args'], onConflict: 'ignore' } as const;
    const first = client.enqueue(typed, [{ email: 'x@y.zz', at: '2026-01-01' }], { unique });
    const second = client.enqueue(typed, [{ email: 'x@y.zz', at: '2026-01-01' }], { unique });
    expect(second).toMatchObject({ id: first.id, outcome: 'duplicate', args: [{ at: new Date('2026-01-01') }] });
  });

  test('an asynchronous schema is refused, also in a batch and a workflow', () => {
    const slow = defineJob('user.check', { payload: z.string().refine(async () => false) });
    using client = new SyncClient('http://127.0.0.1:1');
    for (const call of [
      () => client.enqueue(slow, ['a']),
      () => client.enqueueBatch([job(slow, ['a'])]),
      () => client.workflow(chain('c', [job(slow, ['a'])])),
    ]) {
      expect(thrown(call)).toMatchObject({
        name: 'OJSValidationError',
        message: expect.stringContaining('asynchronously'),
      });
    }
  });
});

describe('options', () => {
  test('an option that cannot be passed to a thread is refused by name', () => {
    const wrong: readonly (readonly [string, () => unknown])[] = [
      ['fetch', () => Reflect.construct(SyncClient, [server.url, { fetch }])],
      ['target', () => Reflect.construct(SyncClient, [{ call() {} }])],
      ['target', () => new SyncClient('ftp://x')],
      ['queue', () => new SyncClient(server.url, { queue: 'Bad Queue' })],
    ];
    for (const [path, call] of wrong)
      expect(thrown(call)).toMatchObject({ name: 'OJSValidationError', issues: [{ path }] });
    using client = new SyncClient(server.url);
    const { signal } = new AbortController();
    expect(thrown(() => Reflect.apply(client.getJob, client, ['x', { signal }]))).toMatchObject({
      issues: [{ path: 'signal' }],
    });
    using later: SyncClient = Reflect.construct(SyncClient, [server.url, { token: async () => 'x' }]);
    expect(thrown(() => later.health())).toMatchObject({
      issues: [{ path: 'token', message: expect.stringContaining('a promise') }],
    });
  });

  test('the environment, and the listener of enqueued jobs', () => {
    vi.stubEnv('OJS_BACKEND_URL', server.url);
    vi.stubEnv('OJS_QUEUE', 'from-env');
    const logger = keepingLogger();
    const listened: string[] = [];
    using client = new SyncClient(undefined, {
      logger,
      onJobEnqueued: ({ id }) => {
        listened.push(id);
        throw new Error('listener');
      },
    });
    vi.unstubAllEnvs();
    const sent = client.enqueue('a.b', []);
    expect(sent.queue).toBe('from-env');
    expect(listened).toEqual([sent.id]);
    expect(logger.lines).toMatchObject([{ level: 'error', message: 'onJobEnqueued failed' }]);
  });
});

test('a call after close() throws; a second close() does not', () => {
  const client = new SyncClient(server.url);
  client.health();
  client.close();
  client.close();
  expect(thrown(() => client.health())).toMatchObject({
    name: 'OJSError',
    message: 'system.health: this client is closed. Close it after its last call.',
  });
  expect(thrown(() => client.health())).toBeInstanceOf(OJSError);
});
