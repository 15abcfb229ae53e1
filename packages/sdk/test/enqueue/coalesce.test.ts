import type { Call } from '@ojs-ts/core';
import { type RunningServer, startServer } from '@ojs-ts/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import {
  Client,
  type ClientOptions,
  DuplicateJobError,
  isOjsError,
  OJSAPIError,
  OJSConnectionError,
  OJSTimeoutError,
  OJSValidationError,
} from '../../src/index.ts';
import { type Bench, gate, openBench } from '../support/bench.ts';
import { refusal } from '../support/faulty.ts';
import { openProxy } from '../support/proxy.ts';

const quick: ClientOptions = { requestRetry: { minBackoff: 1, maxBackoff: 2 } };
const codeOf = (result: PromiseSettledResult<{ outcome: string }>) =>
  result.status === 'fulfilled' ? result.value.outcome : String(result.reason.code ?? result.reason.name);

describe('coalescing', () => {
  let bench: Bench;
  let client: Client;
  const open = async (options: ClientOptions = quick) => {
    bench = await openBench();
    client = new Client(bench.wire, options);
    return {
      async [Symbol.asyncDispose]() {
        await client.close();
        await bench[Symbol.asyncDispose]();
      },
    };
  };
  const many = (count: number, options = {}) =>
    Array.from({ length: count }, (_, n) => client.enqueue('test.job', [n], options));
  const available = async () => (await bench.client.queueStats('default')).available;
  const it = testWith(open);

  it('a lone call is POST /jobs; calls of one turn share a bulk request and get complete handles', async () => {
    const lone = await client.enqueue('test.job', [0], { meta: { a: 1 }, tags: ['x'] });
    const jobs = await Promise.all(many(50, { meta: { a: 1 }, tags: ['x'] }));
    expect(bench.wire.calls.map(({ operation }) => operation)).toEqual(['job.enqueue', 'bulk.enqueue']);
    expect(jobs.map(({ args }) => args[0])).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(50);
    expect(Object.keys(jobs[0]?.raw ?? {})).toEqual(Object.keys(lone.raw));
    expect(jobs[0]).toMatchObject({
      outcome: 'created',
      state: 'available',
      createdAt: expect.any(Date),
      tags: ['x'],
      maxAttempts: 3,
    });
    expect(await jobs[7]?.refresh()).toMatchObject({ args: [7] });
  });

  it('calls that arrive while a request is under way form the next one; each outcome reaches its caller in order', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    bench.wire.spoil('job.enqueue', async (call) => {
      await held;
      return bench.embedded.call(call);
    });
    const first = client.enqueue('test.job', ['first']);
    await bench.wire.until(() => bench.wire.calls.length === 1);
    const later = [...many(3)];
    await new Promise((resolve) => setImmediate(resolve));
    later.push(...many(3));
    release();
    await Promise.all([first, ...later]);
    expect(bench.wire.calls.map(({ operation }) => operation)).toEqual(['job.enqueue', 'bulk.enqueue']);
    expect(await available()).toBe(7);
  });

  /** Answers merged calls as a server that wants two of their requests at once. */
  const wantTwo = async (call: Call) => {
    const answer = await bench.embedded.call(call);
    return { ...answer, text: answer.text.replace(/^\{/, '{"x_at_once":2,') };
  };

  it('where the server wants two merged requests at once, a second one goes while the first is under way', async () => {
    bench.wire.spoil('bulk.enqueue', wantTwo);
    await Promise.all(many(2));
    const { opened, open: release } = gate();
    for (let n = 0; n < 2; n++) {
      bench.wire.spoil('bulk.enqueue', async (call) => {
        await opened;
        return wantTwo(call);
      });
    }
    const calls: Promise<unknown>[] = [];
    for (const count of [3, 4, 5, 6]) {
      calls.push(...many(count));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const sizes = () => bench.wire.bodies('bulk.enqueue').map(({ jobs }) => Array.isArray(jobs) && jobs.length);
    expect(sizes()).toEqual([2, 3, 4]);
    release();
    await Promise.all(calls);
    expect(sizes()).toEqual([2, 3, 4, 11]);
    expect(await available()).toBe(20);
  });

  it('then callers that all enqueue again after one answer make two requests, under way at the same time', async () => {
    bench.wire.spoil('bulk.enqueue', wantTwo);
    const { opened, open: release } = gate();
    bench.wire.spoil('bulk.enqueue', async (call) => {
      await opened;
      return wantTwo(call);
    });
    bench.wire.spoil('bulk.enqueue', async (call) => {
      release();
      return wantTwo(call);
    });
    await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        for (let round = 0; round < 2; round++) await client.enqueue('test.job', [n, round]);
      }),
    );
    const jobs = bench.wire.bodies('bulk.enqueue').map(({ jobs }) => (Array.isArray(jobs) ? jobs : []));
    expect(jobs.map(({ length }) => length)).toEqual([40, 20, 20]);
    expect(jobs.flat().map(({ args }) => args[0])).toEqual([...Array(40).keys(), ...Array(40).keys()]);
  });

  it('calls that do not fit into a request follow it; any x_at_once but 2 counts as 1', async () => {
    bench.wire.spoil('bulk.enqueue', wantTwo);
    await Promise.all(many(2));
    const { opened, open: release } = gate();
    bench.wire.spoil('bulk.enqueue', async (call) => {
      await opened;
      return wantTwo(call);
    });
    const calls = many(1_001);
    await bench.wire.until(() => bench.wire.of('bulk.enqueue').length === 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(bench.wire.calls).toHaveLength(2);
    release();
    await Promise.all(calls);
    expect(bench.wire.calls.map(({ operation }) => operation)).toEqual(['bulk.enqueue', 'bulk.enqueue', 'job.enqueue']);
    for (const wish of ['0', '-1', '1e9', '1e999', '"x"', 'null']) {
      bench.wire.spoil('bulk.enqueue', async (call) => {
        const answer = await bench.embedded.call(call);
        return { ...answer, text: answer.text.replace(/^\{/, `{"x_at_once":${wish},`) };
      });
      await Promise.all(many(2));
      expect(await client.enqueue('test.job', ['next'])).toMatchObject({ outcome: 'created' });
    }
  });

  test('a request that hangs holds the next one back for a second at most', async () => {
    await using _ = await open(quick);
    bench.wire.spoil('job.enqueue', () => new Promise(() => {}));
    const stuck = client.enqueue('test.job', ['stuck'], { requestTimeout: 2_500 }).catch((error: unknown) => error);
    await bench.wire.until(() => bench.wire.calls.length === 1);
    expect(await client.enqueue('test.job', ['free'])).toMatchObject({ outcome: 'created' });
    expect(await stuck).toBeInstanceOf(OJSTimeoutError);
  });

  it('an item answered without its job is sent again and finds its own job', async () => {
    bench.wire.spoil('bulk.enqueue', async (call) => {
      const { jobs } = JSON.parse(call.body ?? '{}');
      await bench.embedded.call(call);
      return {
        status: 200,
        text: JSON.stringify({ items: jobs.map((_: unknown, index: number) => ({ index, status: 'created' })) }),
        headers: {},
      };
    });
    // Without idempotency keys a server knows nothing of the request but the id.
    for (let n = 0; n < 2; n++) {
      bench.wire.spoil('job.enqueue', async (call) => {
        const { id } = JSON.parse(call.body ?? '{}');
        return refusal(409, {
          error: { code: 'duplicate', message: 'there is one', details: { existing_job_id: id } },
        });
      });
    }
    expect((await Promise.allSettled(many(2))).map(codeOf)).toEqual(['created', 'created']);
    expect(await available()).toBe(2);
  });

  test('coalesce: false sends each by itself', async () => {
    await using _ = await open({ coalesce: false });
    await Promise.all(many(10));
    expect(bench.wire.of('job.enqueue')).toHaveLength(10);
    expect(bench.wire.calls).toHaveLength(10);
  });

  it('an item that is refused fails alone, with its own job, queue and code', async () => {
    const long = client.enqueue('test.job', ['x'.repeat(1_100_000)]);
    const results = await Promise.allSettled([
      client.enqueue('test.job', [1]),
      client.enqueue('test.job', [1n]),
      client.enqueue('Bad Type', []),
      client.enqueue('test.job', [2], {
        queue: 'other',
        retry: { maxAttempts: 5, initialInterval: 'PT10S', maxInterval: 'PT1S' },
      }),
      client.enqueue('test.job', [3]),
      long,
    ]);
    expect(results.map(codeOf).filter((code) => code === 'created').length).toBeGreaterThanOrEqual(2);
    expect(results.map(codeOf)).toEqual([
      'created',
      'OJSValidationError',
      'OJSValidationError',
      expect.any(String),
      'created',
      'envelope_too_large',
    ]);
  });

  it('unique policies: duplicate with the winner, reject, replaced, updated in place, all in one request', async () => {
    const unique = (onConflict: 'ignore' | 'reject' | 'replace' | 'replace_except_schedule') =>
      ({ keys: ['type', 'args'], onConflict }) as const;
    const soon = new Date(Date.now() + 3_600_000);
    const winner = await client.enqueue('test.job', ['a'], { meta: { who: 'winner' }, unique: unique('ignore') });
    const old = await client.enqueue('test.job', ['b'], { unique: unique('replace') });
    const planned = await client.enqueue('test.job', ['c'], {
      unique: unique('replace_except_schedule'),
      scheduledAt: soon,
    });
    bench.wire.calls.length = 0;
    const results = await Promise.allSettled([
      client.enqueue('test.job', ['a'], { meta: { who: 'late' }, unique: unique('ignore') }),
      client.enqueue('test.job', ['a'], { unique: unique('reject') }),
      client.enqueue('test.job', ['b'], { unique: unique('replace') }),
      client.enqueue('test.job', ['c'], { unique: unique('replace_except_schedule'), meta: { v: 2 } }),
      client.enqueue('test.job', ['d']),
    ]);
    expect(bench.wire.calls.map(({ operation }) => operation)).toEqual(['bulk.enqueue']);
    expect(results.map(codeOf)).toEqual(['duplicate', 'duplicate', 'replaced', 'replaced', 'created']);
    expect(results[0]).toMatchObject({ value: { id: winner.id, meta: { who: 'winner' }, args: ['a'] } });
    expect(results[1]).toMatchObject({
      status: 'rejected',
      reason: { existingJobId: winner.id, statusCode: 409, operation: 'job.enqueue' },
    });
    expect(results[1]).toMatchObject({ reason: expect.any(DuplicateJobError) });
    expect(results[3]).toMatchObject({ value: { id: planned.id, meta: { v: 2 } } });
    expect(await old.refresh()).toMatchObject({ state: 'cancelled' });
    // The same outcomes for lone calls.
    expect((await client.enqueue('test.job', ['a'], { unique: unique('ignore') })).outcome).toBe('duplicate');
    expect((await client.enqueue('test.job', ['b'], { unique: unique('replace') })).outcome).toBe('replaced');
    expect((await client.enqueue('test.job', ['c'], { unique: unique('replace_except_schedule') })).outcome).toBe(
      'replaced',
    );
    const [batched] = await client.enqueueBatch([{ type: 'test.job', args: ['b'], unique: unique('replace') }]);
    expect(batched.outcome).toBe('replaced');
  });

  test.each(['before', 'after'] as const)('a merged request cut %s the commit makes each job once', async (moment) => {
    await using _ = await open();
    bench.wire.spoil('bulk.enqueue', moment);
    const jobs = await Promise.all(many(20));
    expect(jobs.map(({ outcome, args }) => [outcome, args[0]])).toEqual(jobs.map((_, n) => ['created', n]));
    expect(await available()).toBe(20);
    expect(bench.wire.calls.map(({ operation }) => operation)).toEqual(['bulk.enqueue', 'bulk.enqueue']);
  });

  it('an id that is given twice: the same content is the same job, other content is a duplicate, as for lone calls', async () => {
    const { id } = await client.enqueue('test.job', [1]);
    const results = await Promise.allSettled([
      client.enqueue('test.job', [1], { id }),
      client.enqueue('test.job', [2], { id }),
      client.enqueue('test.job', [3]),
    ]);
    expect(results.map(codeOf)).toEqual(['created', 'duplicate', 'created']);
    expect(await available()).toBe(2);
  });

  test.each([404, 405, 501])(
    'a server without bulk (%i) is asked once and then gets single requests',
    async (status) => {
      await using _ = await open();
      bench.wire.spoil('bulk.enqueue', refusal(status, 'no such route'));
      await Promise.all(many(5));
      await Promise.all(many(5));
      expect(bench.wire.of('bulk.enqueue')).toHaveLength(1);
      expect(bench.wire.of('job.enqueue')).toHaveLength(10);
      expect(await available()).toBe(10);
    },
  );

  it('a bulk answer with summaries only is completed from the request; an existing job is read', async () => {
    const unique = { keys: ['type', 'args'], onConflict: 'ignore' } as const;
    const winner = await client.enqueue('test.job', ['w'], { meta: { won: true }, unique });
    bench.wire.spoil('bulk.enqueue', async (call) =>
      bench.embedded.call({ ...call, body: (call.body ?? '').replace('"return":"job",', '') }),
    );
    const at = '2099-01-01T00:00:00.000Z';
    const [late, duplicate] = await Promise.all([
      client.enqueue('test.job', [1], { meta: { m: 1 }, scheduledAt: at, priority: 3, retry: { maxAttempts: 7 } }),
      client.enqueue('test.job', ['w'], { unique }),
    ]);
    expect(late).toMatchObject({
      args: [1],
      meta: { m: 1 },
      state: 'scheduled',
      scheduledAt: new Date(at),
      priority: 3,
      maxAttempts: 7,
      attempt: 0,
    });
    expect(duplicate).toMatchObject({ id: winner.id, outcome: 'duplicate', meta: { won: true } });
  });

  it('a batch too large for the server or a proxy is split, and later batches are smaller', async () => {
    bench.wire.spoil(
      'bulk.enqueue',
      refusal(413, { error: { code: 'BATCH_SIZE_EXCEEDED', message: 'no', details: { max_batch_size: 4 } } }),
    );
    await Promise.all(many(10));
    expect(bench.wire.bodies('bulk.enqueue').map(({ jobs }) => (Array.isArray(jobs) ? jobs.length : 0))).toEqual([
      10, 4, 4, 2,
    ]);
    await Promise.all(many(5));
    expect(bench.wire.of('bulk.enqueue')).toHaveLength(5);
    bench.wire.spoil('bulk.enqueue', refusal(413, '<html>Request Entity Too Large</html>'));
    await Promise.all(many(4));
    expect(await available()).toBe(19);
  });

  test('after a 500 a merged request is sent job by job; after a 429 each call fails with its own error', async () => {
    await using _ = await open({ requestRetry: { maxRetries: 1, minBackoff: 1, maxBackoff: 1 } });
    bench.wire.spoil('bulk.enqueue', refusal(500, { error: { code: 'backend_error', message: 'boom' } }));
    expect((await Promise.all(many(3))).map(({ outcome }) => outcome)).toEqual(['created', 'created', 'created']);
    for (let n = 0; n < 2; n++) bench.wire.spoil('bulk.enqueue', refusal(503, {}));
    const busy = await Promise.allSettled(many(3));
    expect(busy.map(codeOf)).toEqual(Array(3).fill('backend_unavailable'));
    const reasons = busy.map((result) => (result.status === 'rejected' ? result.reason : null));
    expect(new Set(reasons.map(({ jobId }) => jobId)).size).toBe(3);
    expect(reasons[0]).toBeInstanceOf(OJSAPIError);
    for (let n = 0; n < 2; n++) bench.wire.spoil('bulk.enqueue', 'before');
    for (const { reason } of (await Promise.allSettled(many(2))) as PromiseRejectedResult[]) {
      expect(reason).toBeInstanceOf(OJSConnectionError);
      expect(reason).toMatchObject({ operation: 'job.enqueue', jobId: expect.any(String), queue: 'default' });
    }
  });

  it('a job that makes the whole request unreadable is found by halving', async () => {
    const results = await Promise.allSettled([...many(100), client.enqueue('test.job', [nested(70)]), ...many(100)]);
    expect(results.filter((result) => codeOf(result) === 'created')).toHaveLength(200);
    expect(results.map(codeOf)[100]).toMatch(/^invalid_/);
    expect(bench.wire.calls.length).toBeLessThan(25);
  });

  it('items that the store refused for now are sent again together', async () => {
    bench.wire.spoil('bulk.enqueue', async (call) => {
      const { jobs } = JSON.parse(call.body ?? '{}');
      const items = jobs.map((_: unknown, index: number) => ({
        index,
        status: 'failed',
        error: { code: 'backend_unavailable', message: 'away', retryable: true },
      }));
      return refusal(422, { total: 3, succeeded: 0, failed: 3, items });
    });
    expect((await Promise.all(many(3))).map(({ outcome }) => outcome)).toEqual(['created', 'created', 'created']);
    expect(bench.wire.of('bulk.enqueue')).toHaveLength(2);
  });

  it('abort and deadline of a call apply inside a merged request; a call that ends before its turn is not sent', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    bench.wire.spoil('bulk.enqueue', async (call) => {
      await held;
      return bench.embedded.call(call);
    });
    const controller = new AbortController();
    const reason = new Error('enough');
    const inside = [
      client.enqueue('test.job', ['stays']),
      client.enqueue('test.job', ['aborted'], { signal: controller.signal }),
      client.enqueue('test.job', ['late'], { requestTimeout: 30 }),
    ];
    await bench.wire.until(() => bench.wire.calls.length === 1);
    const waiting = client.enqueue('test.job', ['never'], { signal: controller.signal });
    controller.abort(reason);
    await expect(inside[1]).rejects.toBe(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(inside[2]).rejects.toMatchObject({ name: 'OJSTimeoutError', jobId: expect.any(String) });
    await expect(client.enqueue('test.job', [], { signal: controller.signal })).rejects.toBe(reason);
    release();
    expect(await inside[0]).toMatchObject({ args: ['stays'], outcome: 'created' });
    expect(bench.wire.calls.map(({ body }) => body).join()).not.toContain('never');
  });

  it('a merged request is aborted when all of its callers have left', async () => {
    let given: AbortSignal | undefined;
    const call = bench.wire.call.bind(bench.wire);
    bench.wire.call = (one, context) => {
      given = context?.signal;
      return one.operation === 'bulk.enqueue' ? new Promise(() => {}) : call(one, context);
    };
    const calls = many(3, { requestTimeout: 20 });
    expect((await Promise.allSettled(calls)).map(codeOf)).toEqual(Array(3).fill('OJSTimeoutError'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(given?.aborted).toBe(true);
  });

  it('close() waits for calls that are still queued', async () => {
    const jobs = Promise.all(many(20));
    const closed = client.close();
    await expect(client.enqueue('test.job', [])).rejects.toThrow('closed');
    expect(await jobs).toHaveLength(20);
    await closed;
  });
});

// Acceptance line 4 of the SDK.
describe('10,000 concurrent calls over HTTP', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ storage: 'memory:', port: 0, log: false });
    await using client = new Client(server.url);
    await client.registerSchema('urn:test:strict', 'strict.job', '1', {
      type: 'array',
      prefixItems: [{ type: 'string' }],
    });
  });
  afterAll(() => server.close());

  test.each(['whole', 'cut once'] as const)('fewer than 200 requests, 10,000 right outcomes (%s)', async (way) => {
    let cuts = way === 'cut once' ? 1 : 0;
    await using proxy = await openProxy(server.url, (line) =>
      line === 'POST /ojs/v1/jobs/bulk' && cuts-- > 0 ? 'after' : 'pass',
    );
    await using client = new Client(proxy.url, { ...quick, timeout: '2m' });
    const queue = way === 'whole' ? 'whole' : 'cut';
    const kindOf = (n: number) => (['invalid', 'ignore', 'reject', 'strict'] as const)[n % 50] ?? 'plain';
    // 200 of each kind share 10 keys.
    const keyOf = (n: number) => Math.floor(n / 50) % 10;
    const calls = Array.from({ length: 10_000 }, (_, n) => {
      const kind = kindOf(n);
      if (kind === 'invalid') return client.enqueue('test.job', [Number.NaN], { queue });
      if (kind === 'strict') return client.enqueue('strict.job', [n], { queue });
      if (kind === 'plain') return client.enqueue('test.job', [n], { queue });
      return client.enqueue(`${kind}.job`, [keyOf(n)], {
        queue,
        unique: { keys: ['type', 'args', 'queue'], onConflict: kind },
      });
    });
    const results = await Promise.allSettled(calls);
    const counts: Record<string, number> = {};
    const winners = new Map<string, string>();
    for (const [n, result] of results.entries()) {
      const name = `${kindOf(n)} ${codeOf(result)}`;
      counts[name] = (counts[name] ?? 0) + 1;
      if (result.status === 'fulfilled' && result.value.outcome === 'created')
        winners.set(`${kindOf(n)} ${keyOf(n)}`, result.value.id);
    }
    expect(counts).toEqual({
      'plain created': 9_200,
      'ignore created': 10,
      'ignore duplicate': 190,
      'reject created': 10,
      'reject duplicate': 190,
      'invalid OJSValidationError': 200,
      'strict schema_validation': 200,
    });
    const wrong = results.filter((result, n) => {
      const kind = kindOf(n);
      const winner = winners.get(`${kind} ${keyOf(n)}`);
      if (result.status === 'rejected') {
        if (kind === 'reject')
          return !(result.reason instanceof DuplicateJobError) || result.reason.existingJobId !== winner;
        return kind === 'invalid'
          ? !(result.reason instanceof OJSValidationError)
          : !isOjsError(result.reason, 'schema_validation');
      }
      return kind === 'plain'
        ? result.value.args[0] !== n
        : result.value.id !== winner || result.value.args[0] !== keyOf(n);
    });
    expect(wrong).toEqual([]);
    const requests = proxy.seen.filter(({ line }) => line.startsWith('POST /ojs/v1/jobs')).length;
    expect(requests).toBeLessThan(200);
    expect((await client.queueStats(queue)).available).toBe(9_220);
  });
});

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < depth; n++) value = [value];
  return value;
}
