import { describe, expect, test } from 'vitest';
import { type EnqueueMiddleware, type JobContext, JobTimeoutError, OJSError } from '../../src/index.ts';
import { withArgs } from '../../src/middleware/index.ts';
import { benchOfEachTest, gate } from '../support/bench.ts';

const bench = benchOfEachTest();

const enqueue = (args: unknown[] = [], maxAttempts = 1) =>
  bench.client.enqueue('test.job', args, { retry: { maxAttempts } });

describe('execution middleware (ojs-middleware §4)', () => {
  test('execution middleware wraps the handler, the first outermost; its return value is the result, its error the failure', async () => {
    const seen: string[] = [];
    const worker = bench.worker();
    worker.middleware(async (context, next) => {
      seen.push(`out ${context.jobType}`);
      return { wrapped: await next() };
    }, 'outer');
    worker.middleware(async (context, next) => {
      seen.push('in');
      context.locals.set('from', 'middleware');
      return next();
    }, 'inner');
    worker.register('test.job', ({ locals, args: [fails] }) => {
      if (fails) throw new RangeError('no');
      return locals.get('from');
    });
    expect(worker.middlewares.names).toEqual(['outer', 'inner']);
    const [good, bad] = [await enqueue(), await enqueue([true])];
    await worker.runUntil(() => Promise.allSettled([good.wait(), bad.wait()]));
    expect(await good.refresh()).toMatchObject({ state: 'completed', result: { wrapped: 'middleware' } });
    expect(await bad.refresh()).toMatchObject({ state: 'discarded', error: { type: 'RangeError', message: 'no' } });
    expect(seen).toEqual(['out test.job', 'in', 'out test.job', 'in']);
  });

  test('execution middleware may skip the handler and may change args', async () => {
    const worker = bench.worker().middleware((context, next) => {
      if (context.args[0] === 'short') return Promise.resolve('cut');
      return next(withArgs(context, ['other']));
    });
    worker.register('test.job', ({ args, job }) => [args, job.args]);
    const [short, long] = [await enqueue(['short']), await enqueue(['long'])];
    expect(await worker.runUntil(() => Promise.all([short.wait(), long.wait()]))).toEqual([
      'cut',
      [['other'], ['other']],
    ]);
  });

  test('a change of the chain applies to the next job, not to a running one', async () => {
    const [began, release] = [gate(), gate()];
    const worker = bench.worker({ concurrency: 1 });
    const mark = (word: string) => async (_: JobContext, next: () => Promise<unknown>) => `${word}(${await next()})`;
    worker.middleware(mark('a'), 'a').register('test.job', async ({ args: [wait] }) => {
      began.open();
      if (wait) await release.opened;
      return 'x';
    });
    const [first, second] = [await enqueue([true]), await enqueue([false])];
    const results = await worker.runUntil(async () => {
      await began.opened;
      worker.middlewares.remove('a');
      worker.middleware(mark('b')).middlewares.prepend(mark('c'));
      release.open();
      return Promise.all([first.wait(), second.wait()]);
    });
    expect(results).toEqual(['a(x)', 'c(b(x))']);
  });

  test('a second next() fails the job instead of running the handler twice', async () => {
    let runs = 0;
    const worker = bench.worker().middleware((_, next) => next().then(() => next()));
    worker.register('test.job', () => ++runs);
    const job = await enqueue();
    await worker.runUntil(() => job.wait().catch(() => {}));
    expect(runs).toBe(1);
    expect(await job.refresh()).toMatchObject({
      state: 'discarded',
      error: { message: expect.stringContaining('next()') },
    });
  });

  test('the middleware types of the brief compile', () => {
    const plain = async (_: JobContext, next: () => Promise<unknown>) => next();
    const enqueueing: EnqueueMiddleware = async (request, next) => next(request);
    expect(bench.worker().middleware(plain, 'plain').middlewares.remove(plain)).toBe(true);
    expect(enqueueing).toBeTypeOf('function');
    expect(new JobTimeoutError('x', 1)).toBeInstanceOf(OJSError);
  });
});
