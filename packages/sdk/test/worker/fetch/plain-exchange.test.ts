import { startServer } from '@ojs-ts/server';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { Client, DiscardError, SnoozeError, Worker } from '../../../src/index.ts';
import { keepingLogger } from '../../support/log.ts';
import { openProxy } from '../../support/proxy.ts';

const server = await startServer({ storage: 'memory:', port: 0, log: false });
afterAll(() => server.close());

// Each worker holds its last fetch for a second when it stops.
describe.concurrent('a server without worker.exchange', () => {
  test.each([404, 405, 501])(
    '%i: fetch, ack, nack and heartbeat do the work, and exchange is not asked for again',
    async (status) => {
      await using proxy = await openProxy(server.url, (line) =>
        line.endsWith('/exchange') ? { status, body: '' } : 'pass',
      );
      await using client = new Client(proxy.url);
      const queue = `fallback-${status}`;
      const jobs = await client.enqueueBatch(
        Array.from({ length: 25 }, (_, n) => ({ type: n % 5 === 0 ? 'bad.job' : 'good.job', args: [n], queue })),
      );
      const worker = new Worker(proxy.url, {
        queues: [queue],
        concurrency: 4,
        pollInterval: 20,
        handleSignals: false,
        logger: keepingLogger(),
      });
      let running = 0;
      let most = 0;
      worker.register('good.job', async (context) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return context.args[0];
      });
      worker.register('bad.job', () => {
        throw new DiscardError('no');
      });
      await worker.runUntil(async () => {
        const results = await Promise.allSettled(jobs.map((job) => job.wait()));
        expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'failed'))).toEqual(
          Array.from({ length: 25 }, (_, n) => (n % 5 === 0 ? 'failed' : n)),
        );
      });
      expect(most).toBeLessThanOrEqual(4);
      const lines = proxy.seen.map(({ line }) => line);
      // Nothing is fetched ahead: it could not be given back uncounted.
      const counts = proxy.seen
        .filter(({ line }) => line.endsWith('/fetch'))
        .map(({ body }) => Number(JSON.parse(body).count));
      expect(Math.max(...counts)).toBeLessThanOrEqual(4);
      expect(lines.filter((line) => line.endsWith('/exchange'))).toHaveLength(1);
      expect(lines.filter((line) => line.endsWith('/ack'))).toHaveLength(20);
      expect(lines.filter((line) => line.endsWith('/nack'))).toHaveLength(5);
      expect(lines.some((line) => line.endsWith('/heartbeat'))).toBe(true);
    },
  );

  test.each([404, 405, 501])(
    'an OJS error with %i says so by itself: two turns under way lose nothing',
    async (status) => {
      const body = JSON.stringify({
        error: { code: status === 404 ? 'NOT_FOUND' : 'unsupported', message: 'no such route' },
      });
      let asked = 0;
      // The first exchange passes, so that outcomes are on their way when the route goes.
      await using proxy = await openProxy(server.url, (line) =>
        line.endsWith('/exchange') && asked++ > 0 ? { status, body } : 'pass',
      );
      await using client = new Client(proxy.url);
      const queue = `gone-${status}`;
      const jobs = await client.enqueueBatch(
        Array.from({ length: 12 }, (_, n) => ({ type: 'test.job', args: [n], queue })),
      );
      const logger = keepingLogger();
      const worker = new Worker(proxy.url, {
        queues: [queue],
        concurrency: 4,
        pollInterval: 20,
        handleSignals: false,
        logger,
      });
      worker.register('test.job', async (context) => {
        for (let n = 0; n < Number(context.args[0]); n++) await new Promise((resolve) => setImmediate(resolve));
        return context.args[0];
      });
      expect(await worker.runUntil(() => Promise.all(jobs.map((job) => job.wait())))).toEqual(jobs.map((_, n) => n));
      expect(logger.lines.filter(({ message }) => message.includes('no longer belong'))).toEqual([]);
      expect(proxy.seen.filter(({ line }) => line.endsWith('/nack'))).toEqual([]);
    },
  );

  test.each([404, 409, 413])('an ack that a proxy answers with a page of %i goes again', async (status) => {
    let pages = 0;
    await using proxy = await openProxy(server.url, (line) => {
      if (line.endsWith('/exchange')) return { status: 404, body: 'Cannot POST' };
      return line.endsWith('/ack') && pages++ < 2 ? { status, body: '<html>no</html>' } : 'pass';
    });
    await using client = new Client(proxy.url);
    const queue = `page-${status}`;
    const job = await client.enqueue('test.job', [], { queue });
    const logger = keepingLogger();
    const worker = new Worker(proxy.url, { queues: [queue], pollInterval: 20, handleSignals: false, logger });
    worker.register('test.job', () => 'x');
    expect(await worker.runUntil(() => job.wait())).toBe('x');
    expect(proxy.seen.filter(({ line }) => line.endsWith('/nack'))).toEqual([]);
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('quiet and resume within a second do not abort the pending fetch, whose jobs would be lost', async () => {
    await using proxy = await openProxy(server.url, (line) =>
      line.endsWith('/exchange') ? { status: 404, body: 'Cannot POST' } : 'pass',
    );
    await using client = new Client(proxy.url);
    const worker = new Worker(proxy.url, { queues: ['again'], handleSignals: false, logger: keepingLogger() });
    worker.register('test.job', () => 'x');
    await worker.runUntil(async () => {
      await worker.ready;
      const fetches = () => proxy.seen.filter(({ line }) => line.endsWith('/fetch')).length;
      await vi.waitFor(() => expect(fetches()).toBe(2), 60_000);
      worker.quiet();
      worker.resume();
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      expect(fetches()).toBe(2);
      expect(await (await client.enqueue('test.job', [], { queue: 'again' })).wait()).toBe('x');
    });
  });

  test('an ack that was cut goes again and is never a nack', async () => {
    let cuts = 0;
    await using proxy = await openProxy(server.url, (line) => {
      if (line.endsWith('/exchange')) return { status: 404, body: '' };
      return line.endsWith('/ack') && cuts++ < 2 ? (cuts === 1 ? 'before' : 'after') : 'pass';
    });
    await using client = new Client(proxy.url);
    const job = await client.enqueue('test.job', [], { queue: 'cut' });
    const worker = new Worker(proxy.url, {
      queues: ['cut'],
      pollInterval: 20,
      handleSignals: false,
      logger: keepingLogger(),
    });
    let runs = 0;
    worker.register('test.job', () => ++runs);
    expect(await worker.runUntil(() => job.wait())).toBe(1);
    expect(runs).toBe(1);
    expect(proxy.seen.filter(({ line }) => line.endsWith('/nack'))).toEqual([]);
  });

  test('DiscardError and SnoozeError say all that a plain nack can say', async () => {
    const nacks: unknown[] = [];
    await using proxy = await openProxy(server.url, (line) =>
      line.endsWith('/exchange') ? { status: 404, body: '' } : 'pass',
    );
    await using client = new Client(proxy.url);
    await using inner = new Client(server.url);
    const [discarded, snoozed] = [
      await client.enqueue('bad.job', [], { queue: 'plain' }),
      await client.enqueue('late.job', [], { queue: 'plain' }),
    ];
    const watching: typeof fetch = async (...args) => {
      if (String(args[0]).endsWith('/nack')) nacks.push(JSON.parse(String(args[1]?.body)));
      return await fetch(...args);
    };
    const worker = new Worker(proxy.url, {
      queues: ['plain'],
      pollInterval: 20,
      handleSignals: false,
      logger: keepingLogger(),
      fetch: watching,
    });
    worker.register('bad.job', () => {
      throw new DiscardError('no');
    });
    let runs = 0;
    worker.register('late.job', () => {
      if (++runs === 1) throw new SnoozeError(20);
      return runs;
    });
    expect(
      await worker.runUntil(() => Promise.all([snoozed.wait(), discarded.wait().catch(() => 'discarded')])),
    ).toEqual([2, 'discarded']);
    expect(nacks.toSorted((a, b) => JSON.stringify(a).length - JSON.stringify(b).length)).toMatchObject([
      { requeue: true, delay_ms: 20, error: { retryable: true, code: 'snooze' } },
      { error: { retryable: false, response_code: 'DISCARD', type: 'DiscardError' } },
    ]);
    expect(await inner.getJob(snoozed.id)).toMatchObject({ state: 'completed', attempt: 1 });
  });
});
