import { beforeEach, describe, expect, test } from 'vitest';
import { Client, defineJob, type EnqueueMiddleware, job, OJSError, OJSValidationError } from '../../src/index.ts';
import { benchOfEachTest } from '../support/bench.ts';
import { refusal } from '../support/faulty.ts';
import { keepingLogger } from '../support/log.ts';

const bench = benchOfEachTest();
let client: Client;
beforeEach(() => {
  client = new Client(bench.wire, { requestRetry: false });
});

const sent = () => bench.wire.bodies('job.enqueue');

describe('enqueue middleware (ojs-middleware §3)', () => {
  test('first added is outermost; names; next() gives the job', async () => {
    const steps: string[] = [];
    const layer =
      (name: string): EnqueueMiddleware =>
      async (request, next) => {
        steps.push(`${name} in ${request.id !== undefined}`);
        const made = await next(request);
        steps.push(`${name} out ${made?.state}`);
        return made;
      };
    expect(client.enqueueMiddleware(layer('a'), 'a').enqueueMiddleware(layer('b'), 'b')).toBe(client);
    client.middlewares.insertBefore('b', layer('between'), 'between');
    expect(client.middlewares.names).toEqual(['a', 'between', 'b']);
    await client.enqueue('test.job', []);
    expect(steps).toEqual([
      'a in true',
      'between in true',
      'b in true',
      'b out available',
      'between out available',
      'a out available',
    ]);
  });

  // A fault of other SDKs: edits of queue, priority, options, schema and meta were lost.
  test('every edit reaches the wire, of a lone call and of a batch', async () => {
    client.enqueueMiddleware(async (request, next) => {
      request.queue = 'edited';
      request.priority = 7;
      request.meta = { ...request.meta, trace_id: 't' };
      request.tags = ['x'];
      request.timeout = '5s';
      request.schema = 'urn:x:y';
      request.args = [...request.args, 'more'];
      request.retry = { maxAttempts: 9 };
      return next({ ...request, type: 'edited.job' });
    });
    const meta = { caller: 1 };
    const args = ['a'];
    const made = await client.enqueue('test.job', args, { meta });
    const wanted = {
      type: 'edited.job',
      args: ['a', 'more'],
      meta: { caller: 1, trace_id: 't' },
      schema: 'urn:x:y',
      options: { queue: 'edited', priority: 7, timeout_ms: 5000, tags: ['x'], retry: { max_attempts: 9 } },
    };
    expect(sent()).toMatchObject([wanted]);
    expect(made).toMatchObject({ queue: 'edited', type: 'edited.job', priority: 7 });
    expect([meta, args]).toEqual([{ caller: 1 }, ['a']]);
    await client.enqueueBatch([{ type: 'test.job', args, meta }]);
    expect(bench.wire.bodies('job.enqueueBatch')).toMatchObject([{ jobs: [wanted] }]);
  });

  test('defaults of a definition are not changed for the next job', async () => {
    const definition = defineJob('test.job', { meta: { base: 1 } });
    let calls = 0;
    client.enqueueMiddleware(async (request, next) => {
      if (request.meta) request.meta[`n${calls++}`] = true;
      return next(request);
    });
    await client.enqueue(definition, []);
    await client.enqueue(definition, []);
    expect(sent().map(({ meta }) => meta)).toEqual([
      { base: 1, n0: true },
      { base: 1, n1: true },
    ]);
  });

  test('null drops the job: outcome dropped, cancelled, nothing sent; wait, refresh and cancel say so', async () => {
    client.enqueueMiddleware(async () => null);
    const made = await client.enqueue('test.job', [1], { queue: 'q', meta: { m: 1 } });
    expect(made).toMatchObject({
      outcome: 'dropped',
      state: 'cancelled',
      type: 'test.job',
      args: [1],
      queue: 'q',
      meta: { m: 1 },
    });
    expect(bench.wire.calls).toEqual([]);
    for (const action of [made.wait(), made.refresh(), made.cancel()]) await expect(action).rejects.toThrow('dropped');
  });

  test('an error of a middleware aborts the call; a changed id, a wrong edit and a missing return value are errors', async () => {
    const mistakes: readonly [EnqueueMiddleware, unknown][] = [
      [() => Promise.reject(new RangeError('no')), RangeError],
      [async (request, next) => next({ ...request, id: '01900000-0000-7000-8000-000000000001' }), OJSValidationError],
      [async (request, next) => next({ ...request, queue: 'Not A Queue' }), OJSValidationError],
      [async (request, next) => next({ ...request, args: [1n] }), OJSValidationError],
      // @ts-expect-error it must answer
      [async () => {}, OJSError],
    ];
    for (const [mistake, type] of mistakes) {
      client.middlewares.add(mistake, 'mistake');
      await expect(client.enqueue('test.job', [])).rejects.toBeInstanceOf(type);
      client.middlewares.remove('mistake');
    }
    expect(bench.wire.calls).toEqual([]);
  });

  test('the handle is the sent job, whatever the middleware returns', async () => {
    client.enqueueMiddleware(async (request, next) => {
      await next(request);
      return null;
    });
    expect((await client.enqueue('test.job', [])).outcome).toBe('created');
  });

  test('next() may be called again after a failure: of one job, and of a batch as a whole', async () => {
    client.enqueueMiddleware((request, next) => next(request).catch(() => next(request)));
    bench.wire.spoil('job.enqueue', refusal(503, {}));
    expect((await client.enqueue('test.job', [])).outcome).toBe('created');
    bench.wire.spoil('job.enqueueBatch', refusal(503, {}));
    const jobs = await client.enqueueBatch([
      { type: 'test.job', args: [1] },
      { type: 'test.job', args: [2] },
    ]);
    expect(jobs.map(({ outcome }) => outcome)).toEqual(['created', 'created']);
    expect(bench.wire.of('job.enqueueBatch')).toHaveLength(2);
  });

  test('the deadline and the abort of a call cover its middleware', async () => {
    client.enqueueMiddleware(() => new Promise(() => {}));
    await expect(client.enqueue('test.job', [], { requestTimeout: 20 })).rejects.toMatchObject({
      name: 'OJSTimeoutError',
    });
    const reason = new Error('enough');
    await expect(
      client.enqueueBatch([{ type: 'test.job', args: [] }], { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });

  test('concurrent calls with middleware are one request too', async () => {
    client.enqueueMiddleware(async (request, next) => {
      await null;
      return next(request);
    });
    const jobs = await Promise.all(Array.from({ length: 100 }, (_, n) => client.enqueue('test.job', [n])));
    expect(jobs.map(({ args }) => args[0])).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(bench.wire.calls.length).toBeLessThan(4);
  });
});

describe('a batch', () => {
  test('each job of a batch passes the middleware by itself; one atomic request follows; a dropped job keeps its place', async () => {
    client.enqueueMiddleware(async (request, next) => {
      if (request.args[0] === 1) return null;
      if (request.args[0] === 0) await new Promise((resolve) => setImmediate(resolve));
      return next({ ...request, meta: { n: request.args[0] } });
    });
    const jobs = await client.enqueueBatch([0, 1, 2].map((n) => ({ type: 'test.job', args: [n] })));
    expect(jobs.map(({ outcome, args }) => [outcome, args[0]])).toEqual([
      ['created', 0],
      ['dropped', 1],
      ['created', 2],
    ]);
    expect(bench.wire.calls.map(({ operation }) => operation)).toEqual(['job.enqueueBatch']);
    client.middlewares.prepend(async () => null, 'all');
    expect((await client.enqueueBatch([{ type: 'test.job', args: [] }])).map(({ outcome }) => outcome)).toEqual([
      'dropped',
    ]);
    expect(bench.wire.calls).toHaveLength(1);
  });

  test('if the middleware of one job fails or makes it invalid, nothing is sent, and the error names the job', async () => {
    let bad: EnqueueMiddleware = () => Promise.reject(new RangeError('no'));
    client.enqueueMiddleware((request, next) => (request.args[0] === 1 ? bad(request, next) : next(request)));
    const requests = [0, 1, 2].map((n) => ({ type: 'test.job', args: [n] }));
    await expect(client.enqueueBatch(requests)).rejects.toBeInstanceOf(RangeError);
    bad = (request, next) => next({ ...request, priority: 1000 });
    await expect(client.enqueueBatch(requests)).rejects.toMatchObject({ issues: [{ path: '[1].priority' }] });
    expect(bench.wire.calls).toEqual([]);
  });

  test('a batch above the server’s limit is an OJSValidationError; the limit is read once', async () => {
    const requests = Array.from({ length: 10_001 }, () => ({ type: 'test.job', args: [] }));
    for (let n = 0; n < 2; n++)
      await expect(client.enqueueBatch(requests)).rejects.toMatchObject({
        name: 'OJSValidationError',
        message: expect.stringContaining('10000'),
      });
    expect(bench.wire.calls.map(({ operation }) => operation)).toEqual(['system.manifest']);
    bench.wire.spoil(
      'job.enqueueBatch',
      refusal(413, { error: { code: 'BATCH_SIZE_EXCEEDED', message: 'no', details: { max_batch_size: 1 } } }),
    );
    await expect(client.enqueueBatch(requests.slice(0, 2))).rejects.toBeInstanceOf(OJSValidationError);
  });
});

test('onJobEnqueued gets new jobs only, and its errors change nothing', async () => {
  const seen: string[] = [];
  const logger = keepingLogger();
  const telling = new Client(bench.wire, {
    logger,
    onJobEnqueued: ({ id }) => {
      seen.push(id);
      throw new Error('listener');
    },
  });
  const unique = { keys: ['type'], onConflict: 'ignore' } as const;
  const first = await telling.enqueue('test.job', [], { unique });
  await telling.enqueue('test.job', [], { unique });
  const [second] = await telling.enqueueBatch([job(defineJob('other.job'), [])]);
  expect(seen).toEqual([first.id, second.id]);
  expect(logger.lines).toHaveLength(2);
});
