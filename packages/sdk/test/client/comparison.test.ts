import { getEventListeners } from 'node:events';
import { startServer } from '@ojs-ts/server';
import { beforeEach, describe, expect, test } from 'vitest';
import { Client, OJSError, OJSValidationError, Worker } from '../../src/index.ts';
import { openPage, type PageQuery, readPage } from '../../src/operations/page.ts';
import { benchOfEachTest } from '../support/bench.ts';

/** Faults of other SDKs, by the letters of the study, that are about a client and stand in no other file. */
const bench = benchOfEachTest();
let client: Client;
beforeEach(() => {
  client = new Client(bench.wire, { requestRetry: false });
});

describe('faults that other SDKs have', () => {
  test('names that would stall a backtracking pattern are refused at once', async () => {
    const started = performance.now();
    for (const name of [`${'a'.repeat(120)}_`, `${'a.'.repeat(60)}!`, `${'a-'.repeat(60)}_`]) {
      await expect(client.enqueue('test.job', [], { queue: name })).rejects.toMatchObject({
        issues: [{ path: 'queue' }],
      });
      await expect(client.enqueue(`${name} `, [])).rejects.toMatchObject({ issues: [{ path: 'type' }] });
    }
    // Backtracking over such a name takes longer than anybody lives.
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  test('a call with an aborted signal throws its reason, sends nothing and leaves no listener', async () => {
    const reason = new Error('enough');
    for (const call of [
      (signal: AbortSignal) => client.enqueue('test.job', [], { signal }),
      (signal: AbortSignal) => client.enqueueBatch([{ type: 'test.job', args: [] }], { signal }),
      (signal: AbortSignal) => client.listCronJobs({ signal }),
      (signal: AbortSignal) => client.listQueues({ signal }),
      (signal: AbortSignal) => client.manifest({ signal }),
    ]) {
      await expect(call(AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(bench.wire.calls).toEqual([]);
    }
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 20 }, (_, n) => client.enqueue('test.job', [n], { signal })));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('the error of a call has the stack of its caller', async () => {
    const tags = [3] as unknown as string[];
    const handle = await client.enqueue('test.job', []);
    for (const call of [
      async function ofAMethod() {
        await client.getJob('x');
      },
      async function ofAnEnqueue() {
        await client.enqueue('test.job', [], { tags });
      },
      async function ofConcurrentOnes() {
        await Promise.all([client.enqueue('test.job', [], { tags }), client.enqueue('test.job', [])]);
      },
      async function ofABatch() {
        await client.enqueueBatch([{ type: 'test.job', args: [], tags }]);
      },
      async function ofAWait() {
        await handle.wait({ timeout: 1 });
      },
    ]) {
      const error = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OJSError);
      expect(error instanceof Error && error.stack).toContain(call.name);
    }
  });

  test('stop() waits for no job of an unknown type, and for no heartbeat or poll that is not due', async () => {
    await client.enqueue('unknown.job', []);
    const worker = bench.worker({ heartbeatInterval: 60_000 });
    worker.register('test.job', () => {});
    const started = worker.start();
    await bench.wire.until(() =>
      bench.wire.bodies('worker.exchange').some(({ nacks }) => Array.isArray(nacks) && nacks.length > 0),
    );
    const from = performance.now();
    await worker.stop();
    await started;
    // Less than a heartbeat (60 s) or the grace period (25 s).
    expect(performance.now() - from).toBeLessThan(15_000);
    expect(worker.state).toBe('idle');
  });

  test('methods reject and never throw synchronously', async () => {
    // @ts-expect-error no type
    await expect(client.enqueue(undefined, [])).rejects.toBeInstanceOf(OJSValidationError);
    await expect(client.enqueue('test.job', [], { timeout: '5s', timeoutMs: 5 })).rejects.toBeInstanceOf(
      OJSValidationError,
    );
    // @ts-expect-error no duration
    await expect(client.enqueue('test.job', [], { requestTimeout: 'soon' })).rejects.toBeInstanceOf(OJSValidationError);
  });
});

test('an answer is read whatever its media type', async () => {
  await using server = await startServer({ storage: 'memory:', port: 0, log: false });
  const types = [null, 'text/plain', 'application/openjobspec+json; charset=utf-8', 'application/json'];
  for (const type of types) {
    const relabelled: typeof fetch = async (...args) => {
      const answer = await fetch(...args);
      const headers = new Headers(answer.headers);
      if (type === null) headers.delete('content-type');
      else headers.set('content-type', type);
      return new Response(await answer.arrayBuffer(), { status: answer.status, headers });
    };
    const quiet = {
      handleSignals: false,
      logger: bench.logger,
      fetch: relabelled,
      queues: [`media-${types.indexOf(type)}`],
    };
    await using one = new Client(server.url, { fetch: relabelled });
    const job = await one.enqueue('test.job', [1], { queue: quiet.queues[0] ?? '' });
    const worker = new Worker(server.url, quiet).register('test.job', ({ args }) => args);
    expect(await worker.runUntil(() => job.wait({ timeout: '5s' }))).toEqual([1]);
    await expect(one.getJob('x')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('no job'),
    });
  }
});

test('204 is an answer without a body (ojs-http-binding §4)', async () => {
  bench.wire.spoil('cron.remove', { status: 204, text: '', headers: {} });
  expect(await client.unregisterCronJob('daily')).toEqual({ deleted: true, name: 'daily' });
});

test('iterating over many pages takes constant time a page', async () => {
  const pages = 12_000;
  const answer = (query: PageQuery) => {
    const at = query.offset ?? 0;
    return { items: [at], pagination: { limit: 1, offset: at, has_more: at + 1 < pages } };
  };
  const load = async (query: PageQuery) => readPage(answer(query), query, answer(query).items);
  const page = await openPage({ limit: 1, offset: 0, cursor: undefined }, load);
  const started = performance.now();
  const seen = await Array.fromAsync(page);
  expect(seen).toEqual(Array.from({ length: pages }, (_, at) => at));
  // Nested generators took 2.3 s for a quarter as many.
  expect(performance.now() - started).toBeLessThan(15_000);
});
