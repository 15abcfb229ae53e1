import { type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as ojs from '../../src/index.ts';
import {
  type EnqueueMiddleware,
  type ExecutionMiddleware,
  loggingMiddleware,
  type MetricsRecorder,
  metricsMiddleware,
  retryMiddleware,
  timeoutMiddleware,
} from '../../src/middleware/index.ts';
import { keepingLogger } from '../support/log.ts';

// The brief's examples of middleware.

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ storage: 'sqlite:', port: 0, log: false });
});
afterAll(() => server.close());

/** One job through a worker with this middleware. */
async function working(handler: ojs.Handler, ...middleware: ExecutionMiddleware[]): Promise<ojs.Job> {
  await using client = new ojs.Client(server.url);
  const worker = new ojs.Worker(server.url, { handleSignals: false, logger: keepingLogger() });
  for (const one of middleware) worker.middleware(one);
  worker.register('email.send', handler);
  const job = await client.enqueue('email.send', ['a@b.com'], { retry: { maxAttempts: 1 } });
  await worker.runUntil(() => job.wait().catch(() => {}));
  return job.refresh();
}

/** What went through `ctx.args` must not be logged. */
const texts = (logger: ReturnType<typeof keepingLogger>) =>
  logger.lines.map(({ level, message }) => `${level} ${message}`);

test('Execution Middleware (Worker-Side)', async () => {
  const logger = keepingLogger();
  const timing: ExecutionMiddleware = async (ctx, next) => {
    const start = performance.now();
    const result = await next();
    const duration = (performance.now() - start) / 1000;
    logger.info(`${ctx.jobType} took ${duration.toFixed(3)}s`);
    return result;
  };
  expect(await working(() => 'done', timing)).toMatchObject({ state: 'completed', result: 'done' });
  expect(texts(logger)).toEqual([expect.stringMatching(/^info email\.send took 0\.\d{3}s$/)]);
});

test('Middleware Chain (Onion Model)', async () => {
  const order: string[] = [];
  const layer =
    (name: string): ExecutionMiddleware =>
    async (_, next) => {
      order.push(`${name} before`);
      const result = await next();
      order.push(`${name} after`);
      return result;
    };
  await working(() => order.push('handler'), layer('1'), layer('2'));
  expect(order).toEqual(['1 before', '2 before', 'handler', '2 after', '1 after']);
});

test('Enqueue Middleware (Client-Side)', async () => {
  await using client = new ojs.Client(server.url);
  const generateTraceId = () => 'trace-1';
  client.enqueueMiddleware(async (request, next) => {
    request.meta = { ...request.meta, trace_id: generateTraceId() };
    return next(request);
  });
  client.enqueueMiddleware(async function validateArgs(request, next) {
    if (request.args.length === 0) throw new ojs.OJSValidationError('args must not be empty');
    return next(request);
  });
  const job = await client.enqueue('email.send', ['a'], { queue: 'traced' });
  expect((await job.refresh()).meta).toEqual({ trace_id: 'trace-1' });
  await expect(client.enqueue('email.send', [])).rejects.toThrow('args must not be empty');
});

test('Writing Custom Middleware', async () => {
  const reported: unknown[] = [];
  const reportToSentry = async (error: unknown, context: { jobId: string }) => void reported.push(error, context);
  async function errorReporter(ctx: ojs.JobContext, next: () => Promise<unknown>) {
    try {
      return await next();
    } catch (error) {
      await reportToSentry(error, { jobId: ctx.jobId });
      throw error;
    }
  }
  const failure = new TypeError('broken');
  const job = await working(() => {
    throw failure;
  }, errorReporter);
  expect(reported).toEqual([failure, { jobId: job.id }]);
  expect(job).toMatchObject({ state: 'discarded', error: { type: 'TypeError', message: 'broken' } });
});

test('Built-in Middleware: logging', async () => {
  const [myLogger, console] = [keepingLogger(), keepingLogger()];
  await working(
    () => 'done',
    loggingMiddleware(),
    loggingMiddleware({ logLevel: 'debug' }),
    loggingMiddleware({ customLogger: myLogger }),
    loggingMiddleware({ customLogger: console }),
  );
  expect(myLogger.lines.map(({ level }) => level)).toEqual(console.lines.map(({ level }) => level));
  expect(myLogger.lines).toHaveLength(2);
  expect(myLogger.lines[1]?.fields).toMatchObject({ duration_ms: expect.any(Number) });
});

test('Built-in Middleware: timeout', async () => {
  const job = await working(() => new Promise(() => {}), timeoutMiddleware({ seconds: 0.05 }));
  expect(job).toMatchObject({ state: 'discarded', error: { type: 'timeout' } });
  expect(() => timeoutMiddleware({ seconds: 30 })).not.toThrow();
});

test('Built-in Middleware: retry', async () => {
  let runs = 0;
  const job = await working(
    () => {
      if (++runs < 3) throw new Error('not yet');
    },
    retryMiddleware({ maxRetries: 3, baseDelay: '0.001s', maxDelay: '30s', jitter: true }),
  );
  expect([runs, job.state, job.attempt]).toEqual([3, 'completed', 1]);
  // The defaults of the brief, in its own words.
  expect(() => retryMiddleware({ maxRetries: 3, baseDelay: '0.1s', maxDelay: '30s', jitter: true })).not.toThrow();
});

test('Built-in Middleware: metrics', async () => {
  const calls: unknown[][] = [];
  class MyRecorder implements MetricsRecorder {
    jobStarted(jobType: string, queue: string): void {
      calls.push(['started', jobType, queue]);
    }
    jobCompleted(jobType: string, queue: string, durationS: number): void {
      calls.push(['completed', jobType, queue, durationS]);
    }
    jobFailed(jobType: string, queue: string, durationS: number, error: unknown): void {
      calls.push(['failed', jobType, queue, durationS, error]);
    }
  }
  await working(() => {}, metricsMiddleware(new MyRecorder()));
  const failure = new Error('no');
  await working(() => Promise.reject(failure), metricsMiddleware(new MyRecorder()));
  expect(calls).toEqual([
    ['started', 'email.send', 'default'],
    ['completed', 'email.send', 'default', expect.any(Number)],
    ['started', 'email.send', 'default'],
    ['failed', 'email.send', 'default', expect.any(Number), failure],
  ]);
  expect(calls[1]?.[3]).toBeLessThan(1);
});

test('Type Hints: the middleware type aliases', async () => {
  const myMiddleware: ExecutionMiddleware = async (_, next) => next();
  const myEnqueueMiddleware: EnqueueMiddleware = async (request, next) => next(request);
  expect(await working(() => 1, myMiddleware)).toMatchObject({ result: 1 });
  await using client = new ojs.Client(server.url).enqueueMiddleware(myEnqueueMiddleware);
  expect(await client.enqueue('email.send', [], { queue: 'aliases' })).toMatchObject({ outcome: 'created' });
});
