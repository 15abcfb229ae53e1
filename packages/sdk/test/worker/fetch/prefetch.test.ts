import { describe, expect, test } from 'vitest';
import { OJSValidationError } from '../../../src/index.ts';
import { benchOfEachTest, gate } from '../../support/bench.ts';

const bench = benchOfEachTest();

const beats = () => bench.wire.bodies('worker.heartbeat');
const enqueue = (count: number) =>
  bench.client.enqueueBatch(
    Array.from({ length: count }, (_, n) => ({ type: 'test.job', args: [n], queue: 'default' })),
  );

describe('prefetch', () => {
  test('prefetched jobs wait for a slot with heartbeats, and concurrency is never exceeded', async () => {
    const jobs = await enqueue(12);
    const release = gate();
    let [running, most] = [0, 0];
    const worker = bench.worker({ concurrency: 2, prefetch: 5, heartbeatInterval: 10 });
    worker.register('test.job', async ({ args: [n] }) => {
      most = Math.max(most, ++running);
      await release.opened;
      running--;
      return n;
    });
    await worker.runUntil(async () => {
      await bench.wire.until(() => beats().some((body) => body.active_job_count === 7));
      expect(worker.health().active).toBe(2);
      release.open();
      expect(await Promise.all(jobs.map((job) => job.wait()))).toEqual(jobs.map((_, n) => n));
    });
    expect(most).toBe(2);
  });

  test.each(['quiet', 'stop'] as const)('on %s waiting jobs go back uncounted', async (way) => {
    const jobs = await enqueue(4);
    const [began, release] = [gate(), gate()];
    const worker = bench.worker({ concurrency: 1, prefetch: 3, heartbeatInterval: 10 });
    let runs = 0;
    worker.register('test.job', () => {
      runs++;
      began.open();
      return release.opened;
    });
    const running = worker.start();
    await began.opened;
    await bench.wire.until(() => beats().some((body) => body.active_job_count === 4));
    const stopped = way === 'quiet' ? worker.quiet() : worker.stop();
    await bench.wire.until(() => beats().some((body) => body.active_job_count === 1 && body.state !== 'running'));
    release.open();
    await stopped;
    await worker.stop();
    await running;
    expect(runs).toBe(1);
    const states = await Promise.all(jobs.map(async (job) => (await job.refresh()).state));
    expect(states.toSorted()).toEqual(['available', 'available', 'available', 'completed']);
    for (const job of jobs)
      expect((await job.refresh()).attempt).toBe((await job.refresh()).state === 'completed' ? 1 : 0);
  });

  test('a job cancelled while it waits never starts', async () => {
    const [first, second] = await enqueue(2);
    const [began, release] = [gate(), gate()];
    const started: unknown[] = [];
    const worker = bench.worker({ concurrency: 1, prefetch: 1, heartbeatInterval: 10 });
    worker.register('test.job', ({ args: [n] }) => {
      started.push(n);
      began.open();
      return release.opened;
    });
    await worker.runUntil(async () => {
      await began.opened;
      await bench.wire.until(() => beats().some((body) => body.active_job_count === 2));
      await bench.client.cancelJob(second?.id ?? '');
      await bench.wire.until(() => beats().at(-1)?.active_job_count === 1);
      release.open();
      await first?.wait();
    });
    expect(started).toEqual([0]);
  });

  test('a job that waited for half of its timeout goes back uncounted and is fetched again', async () => {
    const jobs = await bench.client.enqueueBatch(
      [1, 2, 3].map((n) => ({ type: 'test.job', args: [n], timeoutMs: n === 1 ? 60_000 : 8_000 })),
    );
    const worker = bench.worker({ concurrency: 1, prefetch: 2 });
    worker.register('test.job', ({ args: [n] }) => new Promise((resolve) => setTimeout(resolve, n === 1 ? 4_200 : 1)));
    await worker.runUntil(() => Promise.allSettled(jobs.map((job) => job.wait())));
    for (const job of jobs) expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
    const nacks = bench.wire.bodies('worker.exchange').flatMap((body) => (Array.isArray(body.nacks) ? body.nacks : []));
    expect(nacks).toMatchObject([2, 3].map(() => ({ requeue: true })));
  });

  test('prefetch and concurrency together stay within the size of a heartbeat', () => {
    expect(() => bench.worker({ concurrency: 9_000, prefetch: 1_001 })).toThrow(OJSValidationError);
    expect(() => bench.worker({ prefetch: -1 })).toThrow(OJSValidationError);
  });
});
