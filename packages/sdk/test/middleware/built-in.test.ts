import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { DiscardError, type JobContext, JobTimeoutError, OJSValidationError, SnoozeError } from '../../src/index.ts';
import {
  addDefaultMiddleware,
  enqueueLoggingMiddleware,
  errorReportingMiddleware,
  loggingMiddleware,
  type MetricsRecorder,
  metricsMiddleware,
  retryMiddleware,
  type TraceContext,
  timeoutMiddleware,
  traceContextEnqueueMiddleware,
  traceContextMiddleware,
  traceContextOf,
} from '../../src/middleware/index.ts';
import { aborted, benchOfEachTest, gate } from '../support/bench.ts';
import { keepingLogger } from '../support/log.ts';

const bench = benchOfEachTest();

const enqueue = (maxAttempts = 1, meta = {}) =>
  bench.client.enqueue('test.job', ['an argument'], { retry: { maxAttempts }, meta });

describe('loggingMiddleware', () => {
  test('loggingMiddleware logs start and end with the fields of §8.1.1, and never args', async () => {
    const log = keepingLogger();
    const worker = bench
      .worker({ concurrency: 1 })
      .middleware(loggingMiddleware({ logLevel: 'debug', customLogger: log }));
    const fail = [undefined, new Error('bad'), new JobTimeoutError('late', 5)];
    worker.register('test.job', () => {
      const error = fail.shift();
      if (error) throw error;
      return 'a result';
    });
    const jobs = [await enqueue(), await enqueue(), await enqueue()];
    await worker.runUntil(() => Promise.allSettled(jobs.map((job) => job.wait())));
    const about = { job_id: jobs[0]?.id, job_type: 'test.job', queue: 'default', attempt: 1 };
    expect(log.lines[0]).toEqual({ level: 'debug', message: expect.any(String), fields: about });
    expect(log.lines[1]).toMatchObject({
      level: 'debug',
      fields: { ...about, duration_ms: expect.any(Number), status: 'completed' },
    });
    expect(log.lines[3]).toMatchObject({ level: 'error', fields: { status: 'failed', error: 'bad' } });
    expect(log.lines[5]).toMatchObject({ level: 'error', fields: { status: 'timeout', error: 'late' } });
    expect(JSON.stringify(log.lines)).not.toMatch(/an argument|a result/);
    // @ts-expect-error no level
    expect(() => loggingMiddleware({ logLevel: 'loud' })).toThrow(OJSValidationError);
  });

  test('loggingMiddleware defaults to the job’s logger; enqueueLoggingMiddleware logs jobs, drops and refusals', async () => {
    const worker = bench
      .worker()
      .middleware(loggingMiddleware())
      .register('test.job', () => {});
    const job = await enqueue();
    await worker.runUntil(() => job.wait());
    expect(bench.logger.lines.filter(({ level }) => level === 'info').map(({ message }) => message)).toEqual([
      'worker started',
      'job started',
      'job completed',
      'worker stopped',
    ]);
    const log = keepingLogger();
    const enqueueing = enqueueLoggingMiddleware({ customLogger: log });
    const request = { type: 'a.b', args: ['an argument'] };
    expect(await enqueueing(request, async () => job)).toBe(job);
    expect(await enqueueing(request, async () => null)).toBeNull();
    await expect(enqueueing(request, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(log.lines.map(({ level }) => level)).toEqual(['info', 'info', 'error']);
    expect(JSON.stringify(log.lines)).not.toContain('an argument');
  });
});

describe('one failure is one line', () => {
  const about = [
    'job failed',
    'job timed out',
    'job interrupted',
    'job lost',
    'outcome dropped: the job no longer belongs to this worker',
  ];
  const lines = () =>
    bench.logger.lines
      .filter(({ message }) => about.includes(message))
      .map(({ level, message }) => `${level} ${message}`);

  test('the failure of a job is logged once: by the logging middleware, otherwise by the worker', async () => {
    const worker = bench.worker().register('test.job', () => {
      throw new TypeError('bad');
    });
    worker.middleware(loggingMiddleware());
    const job = await enqueue();
    await worker.runUntil(() => job.wait().catch(() => {}));
    expect(lines()).toEqual(['error job failed']);
    const fields = { error: 'bad', error_type: 'TypeError', error_backtrace: expect.stringContaining('at ') };
    expect(bench.logger.lines.find(({ message }) => message === 'job failed')).toMatchObject({ fields });
  });

  test('the worker logs an error that an outer middleware has replaced', async () => {
    const worker = bench.worker().register('test.job', () => {
      throw new Error('inner');
    });
    worker.middleware(async (_, next) => {
      await next().catch(() => {});
      throw new Error('outer');
    });
    worker.middleware(loggingMiddleware());
    const job = await enqueue();
    await worker.runUntil(() => job.wait().catch(() => {}));
    expect(lines()).toEqual(['error job failed', 'warn job failed']);
  });

  test('the job’s own timeout is logged once, whatever its handler does afterwards', async () => {
    const worker = bench.worker().register('test.job', async ({ signal }) => {
      await aborted(signal);
      throw signal.reason;
    });
    worker.middleware(loggingMiddleware());
    const job = await bench.client.enqueue('test.job', [], { timeoutMs: 30, retry: { maxAttempts: 1 } });
    await worker.runUntil(() => job.wait().catch(() => {}));
    // On a busy machine the server ends the job first, and the worker says so beside it.
    const ofTimeout = lines().filter((line) => !line.includes('outcome dropped'));
    expect(ofTimeout).toEqual(['warn job timed out', 'info job interrupted']);
  });

  test.each([
    ['heeds its signal', 15, async ({ signal }: JobContext) => Promise.reject(await aborted(signal))],
    ['checkpoints before a heartbeat reports it', 60_000, async (context: JobContext) => context.checkpoint({ at: 1 })],
  ])('a cancelled job whose handler %s is not logged as failed', async (_, heartbeatInterval, end) => {
    const failed: unknown[] = [];
    const cancelled = gate();
    const ended = gate();
    const worker = bench.worker({
      heartbeatInterval,
      onJobFailed: (_, error) => failed.push(error),
      onJobCancelled: () => cancelled.open(),
    });
    worker.middleware(loggingMiddleware());
    worker.register('test.job', async (context) => {
      await bench.client.cancelJob(context.jobId);
      await end(context).finally(() => ended.open());
    });
    const job = await enqueue();
    await worker.runUntil(() => Promise.all([cancelled.opened, ended.opened]));
    expect((await job.refresh()).state).toBe('cancelled');
    expect(lines()).toEqual(['warn job lost', 'info job interrupted']);
    expect(failed).toEqual([]);
  });
});

describe('timeoutMiddleware', () => {
  test.each([{ seconds: 0.03 }, 30, '30ms' as const])(
    '%o aborts the signal, frees the slot and fails the job as timeout',
    async (limit) => {
      const reason = gate<unknown>();
      const worker = bench.worker({ concurrency: 1 }).middleware(timeoutMiddleware(limit));
      worker.register('test.job', async (context) => {
        if (context.meta.quick) return 'quick';
        reason.open(await aborted(context.signal));
        return new Promise(() => {});
      });
      const [slow, quick] = [await enqueue(), await enqueue(1, { quick: true })];
      await worker.runUntil(async () => {
        await expect(slow.wait()).rejects.toMatchObject({
          errors: [{ type: 'timeout', code: 'timeout', details: { limit_seconds: 0.03 } }],
        });
        expect(await quick.wait()).toBe('quick');
      });
      expect(await reason.opened).toBeInstanceOf(JobTimeoutError);
    },
  );

  test('timeoutMiddleware refuses an invalid limit', () => {
    expect(() => timeoutMiddleware({ seconds: 0 })).toThrow(OJSValidationError);
    expect(() => timeoutMiddleware(-1)).toThrow(OJSValidationError);
  });
});

describe('retryMiddleware (it always rejected with its own misuse of next)', () => {
  const quick = { baseDelay: 1, maxDelay: 2 } as const;

  test.each([
    [{ ...quick }, 4, 'discarded'],
    [{ ...quick, maxRetries: 1 }, 2, 'discarded'],
    [{ ...quick, maxRetries: 9, jitter: false }, 6, 'completed'],
  ])('%o runs the handler %i times in one attempt', async (options, runs, state) => {
    let count = 0;
    const worker = bench.worker().middleware(retryMiddleware(options));
    worker.register('test.job', () => {
      if (++count < 6) throw new Error(`failure ${count}`);
    });
    const job = await enqueue();
    await worker.runUntil(() => job.wait().catch(() => {}));
    expect(count).toBe(runs);
    const done = await job.refresh();
    expect(done).toMatchObject({ state, attempt: 1 });
    if (state === 'discarded') expect(done.error?.message).toBe(`failure ${runs}`);
  });

  test.each([new DiscardError('no'), new SnoozeError('1h')])('retryMiddleware rethrows %o at once', async (error) => {
    let count = 0;
    const worker = bench.worker().middleware(retryMiddleware(quick));
    const ran = gate();
    worker.register('test.job', () => {
      count++;
      ran.open();
      throw error;
    });
    await enqueue();
    await worker.runUntil(() => ran.opened);
    expect(count).toBe(1);
  });

  test('retryMiddleware does not retry after a timeout', async () => {
    let count = 0;
    const worker = bench.worker().middleware(retryMiddleware(quick)).middleware(timeoutMiddleware(20));
    worker.register('test.job', () => {
      count++;
      return new Promise(() => {});
    });
    const job = await enqueue();
    await worker.runUntil(() => job.wait().catch(() => {}));
    expect(count).toBe(1);
    expect(await job.refresh()).toMatchObject({ error: { type: 'timeout' } });
    expect(() => retryMiddleware({ maxRetries: -1 })).toThrow(OJSValidationError);
  });
});

test('metricsMiddleware records seconds; a recorder that throws changes nothing', async () => {
  const calls: unknown[][] = [];
  const recorder: MetricsRecorder = {
    jobStarted: (...args) => void calls.push(['started', ...args]),
    jobCompleted(...args) {
      calls.push(['completed', ...args]);
      throw new Error('broken recorder');
    },
    jobFailed: (...args) => void calls.push(['failed', ...args]),
  };
  const error = new Error('bad');
  const worker = bench.worker({ concurrency: 1 }).middleware(metricsMiddleware(recorder));
  worker.register('test.job', ({ meta }) => {
    if (meta.fails) throw error;
  });
  const jobs = [await enqueue(), await enqueue(1, { fails: true })];
  await worker.runUntil(() => Promise.allSettled(jobs.map((job) => job.wait())));
  expect(calls).toEqual([
    ['started', 'test.job', 'default'],
    ['completed', 'test.job', 'default', expect.closeTo(0, 0)],
    ['started', 'test.job', 'default'],
    ['failed', 'test.job', 'default', expect.closeTo(0, 0), error],
  ]);
  expect(await jobs[0]?.refresh()).toMatchObject({ state: 'completed' });
});

test('errorReportingMiddleware reports and throws on; a reporter that throws hides nothing', async () => {
  const reported: unknown[] = [];
  const worker = bench.worker().middleware(
    errorReportingMiddleware((error, context) => {
      reported.push(error, context.jobId);
      throw new Error('no network');
    }),
  );
  const error = new TypeError('bad');
  worker.register('test.job', () => {
    throw error;
  });
  const job = await enqueue();
  await worker.runUntil(() => job.wait().catch(() => {}));
  expect(reported).toEqual([error, job.id]);
  expect(await job.refresh()).toMatchObject({ error: { type: 'TypeError', message: 'bad' } });
});

describe('trace context (ojs-observability)', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  test('the trace context goes into meta at enqueue, unless meta has one or it is malformed', async () => {
    const sent: unknown[] = [];
    const put = async (context: TraceContext | undefined, meta?: Record<string, unknown>) => {
      const request = { type: 'a.b', args: [], ...(meta && { meta }) };
      await traceContextEnqueueMiddleware(() => context)(request, async (changed) => {
        sent.push(changed.meta);
        return null;
      });
    };
    await put({ traceparent, tracestate: 'rojo=1' }, { tenant: 1 });
    await put({ traceparent }, { traceparent: 'theirs' });
    await put({ traceparent: 'nonsense' });
    await put({ traceparent: traceparent.replace(/4bf\w+/, '0'.repeat(32)) });
    await put(undefined);
    expect(sent).toEqual([
      { tenant: 1, traceparent, tracestate: 'rojo=1' },
      { traceparent: 'theirs' },
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('the trace context is restored around the handler', async () => {
    const storage = new AsyncLocalStorage<TraceContext>();
    const worker = bench
      .worker({ concurrency: 1 })
      .middleware(traceContextMiddleware((context, inside) => storage.run(context, inside)));
    worker.register('test.job', async (context) => {
      await Promise.resolve();
      return [storage.getStore() ?? null, traceContextOf(context) ?? null];
    });
    const jobs = [
      await enqueue(1, { traceparent, tracestate: 'a=b' }),
      await enqueue(1, { traceparent: 'nonsense' }),
      await enqueue(),
    ];
    const found = { traceparent, tracestate: 'a=b' };
    expect(await worker.runUntil(() => Promise.all(jobs.map((job) => job.wait())))).toEqual([
      [found, found],
      [null, null],
      [null, null],
    ]);
  });
});

test('the default chain has the order of §8.2 and can be changed by name', () => {
  const worker = bench.worker();
  const recorder = { jobStarted() {}, jobCompleted() {}, jobFailed() {} };
  addDefaultMiddleware(worker.middlewares, { metrics: recorder, report: () => {}, timeout: '30s' });
  expect(worker.middlewares.names).toEqual(['logging', 'metrics', 'errorReporting', 'timeout']);
  worker.middlewares.remove('logging');
  expect(worker.middlewares.insertBefore('timeout', retryMiddleware(), 'retry').names).toEqual([
    'metrics',
    'errorReporting',
    'retry',
    'timeout',
  ]);
});

test('loggingMiddleware: a snooze is no failure', async () => {
  const log = keepingLogger();
  const job = await bench.client.enqueue('test.job', []);
  let runs = 0;
  const worker = bench.worker().middleware(loggingMiddleware({ customLogger: log }));
  worker.register('test.job', () => {
    runs += 1;
    if (runs === 1) throw new SnoozeError(1);
  });
  await worker.runUntil(() => job.wait());
  expect(
    log.lines.map(({ level, fields }) => [level, fields && 'status' in fields ? fields.status : undefined]),
  ).toEqual([
    ['info', undefined],
    ['info', 'snoozed'],
    ['info', undefined],
    ['info', 'completed'],
  ]);
});
