import { uuidv7 } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import {
  DiscardError,
  type JobContext,
  JobTimeoutError,
  OJSValidationError,
  OjsWorker,
  type RetryPolicy,
  SnoozeError,
  Worker,
  type WorkerOptions,
} from '../../src/index.ts';
import { aborted, benchOfEachTest, gate } from '../support/bench.ts';

const bench = benchOfEachTest();

const nacks = () =>
  bench.wire.bodies('worker.exchange').flatMap((body) => (Array.isArray(body.nacks) ? body.nacks : []));

/** Runs one job with the handler until it has left `active` for good, and gives it back. */
async function run(
  handler: (context: JobContext) => unknown,
  options: RetryPolicy & { timeoutMs?: number } = {},
  workerOptions: WorkerOptions = {},
) {
  const { timeoutMs, ...retry } = options;
  const job = await bench.client.enqueue('test.job', ['a'], {
    retry: { maxAttempts: 1, ...retry },
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  const worker = bench.worker(workerOptions).register('test.job', handler);
  await worker.runUntil(() => job.wait().catch(() => {}));
  return bench.client.getJob(job.id);
}

describe('the context', () => {
  test('shows the job; the logger names it; locals are the execution’s own', async () => {
    const seen = gate<JobContext>();
    const job = await run((context) => {
      context.log.info('hello', { more: 1 });
      context.locals.set('x', 1);
      seen.open(context);
    });
    const context = await seen.opened;
    expect(context).toMatchObject({
      jobId: job.id,
      jobType: 'test.job',
      queue: 'default',
      args: ['a'],
      meta: {},
      attempt: 1,
      parentResults: [],
      isCancelled: false,
    });
    expect(context.job).toMatchObject({ id: job.id, state: 'active', attempt: 1 });
    expect(context.workflowId).toBeUndefined();
    expect(context.signal.aborted).toBe(false);
    expect(bench.logger.lines).toContainEqual({
      level: 'info',
      message: 'hello',
      fields: { job_id: job.id, job_type: 'test.job', queue: 'default', attempt: 1, more: 1 },
    });
  });

  test.each([[{ ok: true }], ['text'], [0], [null], [[1, 'x']], [undefined]])(
    'the result %o is stored as it is',
    async (result) => {
      const job = await run(() => result);
      expect(job.state).toBe('completed');
      expect(job.result).toEqual(result);
    },
  );

  test('heartbeat() extends every lease now', async () => {
    await run((context) => context.heartbeat());
    expect(
      bench.wire
        .bodies('worker.heartbeat')
        .some((body) => Array.isArray(body.active_jobs) && body.active_jobs.length === 1),
    ).toBe(true);
  });
});

describe('failures', () => {
  class Fancy extends Error {}

  test.each<[unknown, object]>([
    [
      new RangeError('too far'),
      {
        type: 'RangeError',
        code: 'handler_error',
        message: 'too far',
        backtrace: expect.arrayContaining([expect.stringMatching(/^at /)]),
      },
    ],
    [new Fancy('x'), { type: 'Fancy', message: 'x' }],
    [Object.assign(new Error('no file'), { code: 'ENOENT' }), { type: 'ENOENT', code: 'handler_error' }],
    [undefined, { type: 'NonError', message: 'The handler threw undefined' }],
    [null, { type: 'NonError', message: 'The handler threw null' }],
    ['words', { message: 'The handler threw words' }],
    [{ a: 1 }, { message: 'The handler threw {"a":1}' }],
    [Object.create(null), { type: 'NonError' }],
    [{ x: 1n }, { type: 'NonError', message: expect.stringContaining('cannot be read') }],
  ])('thrown %o', async (thrown, expected) => {
    const job = await run(async () => {
      throw thrown;
    });
    expect(job.state).toBe('discarded');
    expect(job.error).toMatchObject(expected);
  });

  test('a synchronous throw counts like a rejection', async () => {
    const job = await run(() => {
      throw new Error('now');
    });
    expect(job.error).toMatchObject({ type: 'Error', message: 'now' });
  });

  test('the log says where it was thrown', async () => {
    await run(function misbehave() {
      throw new TypeError('boom');
    });
    const fields = {
      error_type: 'TypeError',
      error_message: 'boom',
      error_backtrace: expect.stringMatching(/^at (.*\.)?misbehave .*worker\.test\.ts/),
    };
    expect(bench.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'job failed', fields: expect.objectContaining(fields) }),
    );
  });

  test('DiscardError discards in spite of the attempts left', async () => {
    const job = await run(
      () => {
        throw new DiscardError('no address');
      },
      { maxAttempts: 5 },
    );
    expect(job).toMatchObject({ state: 'discarded', attempt: 1, error: { type: 'DiscardError', retryable: false } });
  });

  test('SnoozeError runs the job again later, without counting', async () => {
    const attempts: number[] = [];
    const job = await run((context) => {
      attempts.push(context.attempt);
      if (attempts.length === 1) throw new SnoozeError('30ms');
      return 'done';
    });
    expect(job).toMatchObject({ state: 'completed', result: 'done', attempt: 1 });
    expect(attempts).toEqual([1, 1]);
    const [nack] = nacks();
    expect(nack).toMatchObject({ requeue: true, delay_ms: 30 });
  });

  test.each<[string, () => unknown, string]>([
    ['a BigInt', () => ({ big: 1n }), 'result.big: bigint is no JSON value; send it as a string.'],
    ['a function', () => () => 1, 'result: function is no JSON value; send data in its place.'],
    [
      'a cycle',
      () => {
        const loop: unknown[] = [];
        loop.push(loop);
        return loop;
      },
      'result[0]: the value contains itself.',
    ],
    [
      'a getter that throws',
      () => ({
        get x() {
          throw new Error('no');
        },
      }),
      'result: it cannot be read as JSON: no.',
    ],
  ])(
    'a result that is no JSON (%s) fails the job for good, with the place: nothing of the work is done twice',
    async (_, handler, words) => {
      const failed: unknown[] = [];
      const completed: unknown[] = [];
      const job = await run(
        handler,
        { maxAttempts: 3 },
        { onJobFailed: (_, error) => failed.push(error), onJobCompleted: () => completed.push(1) },
      );
      expect(job).toMatchObject({
        state: 'discarded',
        attempt: 1,
        error: {
          type: 'invalid_result',
          code: 'invalid_result',
          retryable: false,
          message: expect.stringContaining(words),
        },
      });
      expect(failed).toMatchObject([{ name: 'ResultError', code: 'invalid_result' }]);
      expect(completed).toEqual([]);
      expect(bench.logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
        {
          message: 'job failed',
          fields: { job_id: job.id, job_type: 'test.job', attempt: 1, error_type: 'invalid_result' },
        },
      ]);
    },
  );

  test('with a dead letter, a job with an invalid result can be retried from there', async () => {
    const job = await run(() => 1n, { maxAttempts: 3, onExhaustion: 'dead_letter' });
    const dead = await bench.client.listDeadLetterJobs();
    expect(dead.items.map(({ id }) => id)).toContain(job.id);
  });

  test('a result that the server refuses fails its job, beside others that are taken', async () => {
    const jobs = await bench.client.enqueueBatch([1, 2].map((n) => ({ type: 'test.job', args: [n] })));
    const worker = bench
      .worker()
      .register('test.job', ({ args: [n] }: JobContext<[number]>) => (n === 1 ? 'x'.repeat(3_000_000) : 'small'));
    const [first] = await worker.runUntil(() => Promise.allSettled(jobs.map((job) => job.wait())));
    expect(first).toMatchObject({ status: 'rejected', reason: { name: 'JobFailedError' } });
    const refused = await jobs[0]?.refresh();
    const message =
      'result: the server refused it with 413: $.result: expected at most 1048576 bytes, got 3000002. The handler succeeded, but its result cannot be sent: store it elsewhere and return a reference to it.';
    expect(refused).toMatchObject({ state: 'discarded', attempt: 1, error: { type: 'result_too_large', message } });
    expect(await jobs[1]?.refresh()).toMatchObject({ state: 'completed', result: 'small' });
    expect(bench.logger.lines.filter(({ message }) => message === 'job failed')).toHaveLength(1);
  });

  test("the job's own result_size_limit counts too", async () => {
    const id = uuidv7();
    const body = JSON.stringify({ id, type: 'test.job', args: [], options: { result_size_limit: 100 } });
    await bench.embedded.call({ operation: 'job.enqueue', body });
    const worker = bench.worker().register('test.job', () => 'x'.repeat(200));
    await worker.runUntil(() => expect.poll(async () => (await bench.client.getJob(id)).state).toBe('discarded'));
    expect((await bench.client.getJob(id)).error).toMatchObject({ type: 'result_too_large' });
  });

  test('a job of an unknown type goes back with a delay, so it neither is lost nor loops', async () => {
    const job = await bench.client.enqueue('other.job', []);
    const worker = bench.worker().register('outer.job', () => {});
    const running = worker.start();
    await bench.wire.until(() =>
      bench.wire.answers.some(
        ({ call }) => call.operation === 'worker.exchange' && call.body?.includes('handler_not_found'),
      ),
    );
    await worker.stop();
    await running;
    const after = await job.refresh();
    expect(after).toMatchObject({ state: 'retryable', attempt: 0, error: { code: 'handler_not_found' } });
    expect(bench.logger.lines).toContainEqual({
      level: 'error',
      message:
        "no handler: No handler is registered for other.job. Did you mean outer.job? The job goes back and waits for a worker that has one: call register('other.job', …) before start(), or leave its queue to others",
      fields: { job_type: 'other.job', queues: ['default'] },
    });
    expect(
      bench.wire.bodies('worker.exchange').filter((body) => Array.isArray(body.nacks) && body.nacks.length > 0),
    ).toHaveLength(1);
  });
});

describe('timeouts (ojs-timeouts §5.1)', () => {
  test('a timeout aborts the signal, frees the slot and fails the job; the handler’s later result is ignored', async () => {
    const reason = gate<unknown>();
    const release = gate();
    const first = await bench.client.enqueue('slow.job', [], { timeoutMs: 40, retry: { maxAttempts: 1 } });
    const second = await bench.client.enqueue('quick.job', []);
    const worker = bench.worker({ concurrency: 1 });
    worker.register('slow.job', async (context) => {
      reason.open(await aborted(context.signal));
      await release.opened;
      return 'late';
    });
    worker.register('quick.job', () => 'quick');
    await worker.runUntil(async () => {
      expect(await second.wait()).toBe('quick');
      await expect(first.wait()).rejects.toMatchObject({ errors: [{ type: 'timeout', code: 'timeout' }] });
      release.open();
    });
    expect(await reason.opened).toBeInstanceOf(JobTimeoutError);
    expect(await reason.opened).toMatchObject({ timeoutMs: 40, jobId: first.id });
    expect(await first.refresh()).toMatchObject({ state: 'discarded' });
    expect(worker.health().active).toBe(0);
  });

  test('a later, shorter timeout is not hidden behind an earlier, longer one', async () => {
    const long = await bench.client.enqueue('test.job', ['long'], { timeoutMs: 60_000 });
    const short = await bench.client.enqueue('test.job', ['short'], { timeoutMs: 30, retry: { maxAttempts: 1 } });
    const release = gate();
    const worker = bench
      .worker()
      .register('test.job', (context) => (context.args[0] === 'long' ? release.opened : aborted(context.signal)));
    await worker.runUntil(async () => {
      await expect(short.wait()).rejects.toMatchObject({ errors: [{ type: 'timeout' }] });
      release.open();
      await long.wait();
    });
  });
});

describe('registration and options', () => {
  test('a malformed type and a second handler are refused; handler() is register()', () => {
    const worker = new OjsWorker(bench.embedded);
    worker.register('a.b', () => {});
    expect(() => worker.handler('a.b', () => {})).toThrow(OJSValidationError);
    expect(() => worker.register('A', () => {})).toThrow(OJSValidationError);
  });

  test.each<WorkerOptions>([
    { concurrency: 0 },
    { concurrency: 1.5 },
    { concurrency: 10_001 },
    { queues: [] },
    { queues: ['No'] },
    { visibilityTimeout: '30s', visibilityTimeoutMs: 30_000 },
    { heartbeatInterval: 0 },
  ])('%o is refused', (options) => {
    expect(() => new Worker(bench.embedded, options)).toThrow(OJSValidationError);
  });

  test('wrong arguments are refused at run time without a compiler', () => {
    // @ts-expect-error a list of names
    expect(() => new Worker(bench.embedded, { queues: 'email' })).toThrow(
      'queues: expected an array of names, got "email"',
    );
    // @ts-expect-error of the Python SDK
    expect(() => new Worker(bench.embedded, { poll_interval: 2 })).toThrow(
      'poll_interval: unknown option. Did you mean pollInterval?',
    );
  });

  test('10,000 jobs at once are as many as a heartbeat can list', () => {
    expect(bench.worker({ concurrency: 10_000 }).health().state).toBe('idle');
  });
});
