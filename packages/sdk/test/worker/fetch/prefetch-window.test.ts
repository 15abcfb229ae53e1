import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OJSValidationError } from '../../../src/index.ts';
import { PrefetchWindow } from '../../../src/worker/fetch/slots.ts';
import { LeasedJob } from '../../../src/worker/leases/leased-job.ts';
import { benchOfEachTest, gate } from '../../support/bench.ts';

function ran(...milliseconds: readonly number[]): LeasedJob[] {
  return milliseconds.map((ms, index) => {
    const held = new LeasedJob({}, String(index), 0, 0);
    held.ranMs = ms;
    return held;
  });
}

describe('how many jobs are fetched ahead', () => {
  test('for short jobs the window covers one request, up to its maximum', () => {
    const pace = new PrefetchWindow(10, 100);
    expect(pace.ahead).toBe(0);
    pace.answered(ran(...Array(10).fill(0.1)), 2);
    expect(pace.ahead).toBe(20);
    pace.answered(ran(...Array(20).fill(0.1)), 2);
    expect(pace.ahead).toBe(50);
    pace.answered(ran(...Array(90).fill(0.1)), 2);
    expect(pace.ahead).toBe(100);
  });

  test('the window is 0 for jobs longer than a request, and before the first job', () => {
    const pace = new PrefetchWindow(2, 100);
    pace.answered(ran(...Array(20).fill(3), ...Array(20).fill(Number.POSITIVE_INFINITY)), 2);
    expect(pace.ahead).toBe(0);
  });

  test('the window stays within its bounds and shrinks to none for long jobs', () => {
    const turn = fc.tuple(fc.array(fc.nat(5), { maxLength: 300 }), fc.nat(5));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(100), fc.array(turn), (concurrency, most, turns) => {
        const pace = new PrefetchWindow(concurrency, most);
        for (const [items, ms] of turns) {
          pace.answered(ran(...items), ms);
          expect(pace.ahead).toBeGreaterThanOrEqual(0);
          expect(pace.ahead).toBeLessThanOrEqual(most);
        }
        for (let n = 0; n < 7; n++) pace.answered(ran(9), 2);
        expect(pace.ahead).toBe(0);
      }),
    );
  });
});

describe('a worker with the defaults', () => {
  const bench = benchOfEachTest();

  const enqueue = (count: number, type: string) =>
    bench.client.enqueueBatch(Array.from({ length: count }, (_, n) => ({ type, args: [n], queue: 'default' })));
  const fetched = () =>
    bench.wire.bodies('worker.exchange').flatMap(({ fetch }) => {
      return typeof fetch === 'object' && fetch !== null && 'count' in fetch && typeof fetch.count === 'number'
        ? [fetch.count]
        : [];
    });

  test('a worker prefetches for short handlers and never exceeds its concurrency', async () => {
    const jobs = await enqueue(1_000, 'short.job');
    let [running, most] = [0, 0];
    const worker = bench.worker({ concurrency: 4 });
    worker.register('short.job', async () => {
      most = Math.max(most, ++running);
      await null;
      running--;
    });
    await worker.runUntil(() => Promise.all(jobs.map((job) => job.wait())));
    expect(most).toBe(4);
    expect(Math.max(...fetched())).toBeGreaterThan(50);
    expect(bench.wire.of('worker.exchange').length, 'a turn for each four jobs would be 250').toBeLessThan(100);
    expect(await bench.client.queueStats('default')).toMatchObject({ completed: 1_000, active: 0 });
  });

  test('a worker has a second request under way while handlers run', async () => {
    const jobs: Awaited<ReturnType<typeof enqueue>>[number][] = [];
    for (let n = 0; n < 8; n++) jobs.push(...(await enqueue(1_000, 'short.job')));
    const worker = bench.worker({ concurrency: 100 });
    const asked = () => bench.wire.of('worker.exchange').length;
    const answered = () => bench.wire.answers.filter(({ call }) => call.operation === 'worker.exchange').length;
    let meanwhile = 0;
    worker.register('short.job', () => {
      if (asked() > answered()) meanwhile++;
    });
    await worker.runUntil(() => Promise.all(jobs.map((job) => job.wait())));
    expect(meanwhile).toBeGreaterThan(4_000);
  });

  test('a worker holds no more jobs than its concurrency for handlers longer than a request', async () => {
    const jobs = await enqueue(6, 'long.job');
    const gates = jobs.map(() => gate());
    const began = jobs.map(() => gate());
    // A handler lasts for two heartbeats, which no request on a busy machine must outlast.
    const worker = bench.worker({ concurrency: 2, heartbeatInterval: 500 });
    worker.register('long.job', async ({ args: [n] }) => {
      began[Number(n)]?.open();
      await gates[Number(n)]?.opened;
    });
    await worker.runUntil(async () => {
      for (const [n, { open }] of gates.entries()) {
        await began[n]?.opened;
        const beats = bench.wire.of('worker.heartbeat').length;
        await bench.wire.until(() => bench.wire.of('worker.heartbeat').length > beats + 1);
        expect(bench.wire.bodies('worker.heartbeat').at(-1)?.active_job_count).toBeLessThanOrEqual(2);
        open();
      }
      await Promise.all(jobs.map((job) => job.wait()));
    });
  });

  test('a worker fetches no more than its free slots after the queues were empty', async () => {
    const jobs = await enqueue(300, 'short.job');
    const worker = bench.worker({ concurrency: 4 });
    worker.register('short.job', () => {});
    await worker.runUntil(async () => {
      await Promise.all(jobs.map((job) => job.wait()));
      expect(Math.max(...fetched())).toBeGreaterThan(4);
      const waits = () => bench.wire.bodies('worker.exchange').at(-1);
      await bench.wire.until(() => waits()?.fetch !== undefined);
      const before = bench.wire.of('worker.exchange').length;
      await (await bench.client.enqueue('short.job', [])).wait();
      await bench.wire.until(() => bench.wire.of('worker.exchange').length > before);
      expect(waits()).toMatchObject({ fetch: { count: 4 } });
    });
  });

  test('a worker gives prefetched jobs back, uncounted, when long handlers hold its slots', async () => {
    await enqueue(500, 'short.job');
    const jobs = await enqueue(40, 'long.job');
    const release = gate();
    const worker = bench.worker({ concurrency: 2, heartbeatInterval: 10 });
    let begun = 0;
    worker.register('short.job', () => {});
    worker.register('long.job', async () => {
      begun++;
      await release.opened;
    });
    await worker.runUntil(async () => {
      await bench.wire.until(
        () =>
          begun === 2 &&
          bench.wire.bodies('worker.exchange').some(({ nacks }) => Array.isArray(nacks) && nacks.length > 0),
      );
      await bench.wire.until(() => bench.wire.bodies('worker.heartbeat').at(-1)?.active_job_count === 2);
      expect(await bench.client.queueStats('default')).toMatchObject({ active: 2, available: 38 });
      expect(begun).toBe(2);
      release.open();
      await Promise.all(jobs.map((job) => job.wait()));
    });
    for (const job of jobs) expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
    expect(begun).toBe(40);
  });

  test('a worker stops at once, even if an empty fetch has no answer', async () => {
    await enqueue(2_000, 'short.job');
    const spoiled = gate();
    const spoil = () =>
      bench.wire.spoil(
        'worker.exchange',
        async () => {
          spoil();
          spoiled.open();
          throw new Error('cut');
        },
        (call) => call.body?.includes('"acks":[],"nacks":[]') === true,
      );
    const worker = bench.worker({ concurrency: 100, shutdownTimeout: '1h' });
    let begun = 0;
    worker.register('short.job', () => {
      if (++begun === 1) spoil();
    });
    const running = worker.start();
    await spoiled.opened;
    await worker.stop();
    await running;
    expect(await bench.client.queueStats('default')).toMatchObject({ active: 0 });
  });

  test('prefetch accepts a number or auto only', () => {
    // @ts-expect-error: the checker says so too.
    expect(() => bench.worker({ prefetch: 'many' })).toThrow(OJSValidationError);
  });
});
