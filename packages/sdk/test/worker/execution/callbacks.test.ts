import { manualClock } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { DiscardError, type JobContext, SnoozeError, type WorkerOptions } from '../../../src/index.ts';
import { benchOfEachTest, gate, openBench } from '../../support/bench.ts';

const bench = benchOfEachTest();

/** Options that note which callback was called with what. */
function noting(calls: unknown[][]): WorkerOptions {
  const note = (name: string) => (context: JobContext, more?: unknown) =>
    void calls.push([name, context.attempt, ...(more === undefined ? [] : [more])]);
  return {
    onJobStarted: note('started'),
    onJobCompleted: note('completed'),
    onJobFailed: note('failed'),
    onJobRetrying: note('retrying'),
    onJobDiscarded: note('discarded'),
    onJobCancelled: note('cancelled'),
  };
}

describe('callbacks (ojs-sdk-guidelines §6.3)', () => {
  test('a job that fails, is retried and completes', async () => {
    const calls: unknown[][] = [];
    const error = new Error('once');
    const job = await bench.client.enqueue('test.job', [], { retry: { maxAttempts: 3, initialInterval: 1 } });
    const worker = bench.worker(noting(calls)).register('test.job', ({ attempt }) => {
      if (attempt === 1) throw error;
      return 'result';
    });
    await worker.runUntil(() => job.wait());
    expect(calls).toEqual([
      ['started', 1],
      ['failed', 1, error],
      ['retrying', 1, error],
      ['started', 2],
      ['completed', 2, 'result'],
    ]);
  });

  test.each<[string, () => unknown, unknown]>([
    ['a DiscardError', () => Promise.reject(new DiscardError('no')), { name: 'DiscardError' }],
    ['the job’s own timeout', () => new Promise(() => {}), { name: 'JobTimeoutError' }],
  ])('%s is a failure and a discard', async (_, handler, error) => {
    const calls: unknown[][] = [];
    // The time of the engine stands still, or it might take the job back before the worker, which counts by its own,
    // has reported it.
    await using still = await openBench({ clock: manualClock() });
    const job = await still.client.enqueue('test.job', [], { retry: { maxAttempts: 1 }, timeoutMs: 30 });
    const worker = still.worker(noting(calls)).register('test.job', handler);
    await worker.runUntil(() => job.wait().catch(() => {}));
    expect(calls).toEqual([
      ['started', 1],
      ['failed', 1, expect.objectContaining(error as object)],
      ['discarded', 1, expect.objectContaining(error as object)],
    ]);
  });

  test('a snooze is no failure', async () => {
    const calls: unknown[][] = [];
    let runs = 0;
    const job = await bench.client.enqueue('test.job', []);
    const worker = bench.worker(noting(calls)).register('test.job', () => {
      if (++runs === 1) throw new SnoozeError(10);
    });
    await worker.runUntil(() => job.wait());
    expect(calls).toEqual([
      ['started', 1],
      ['started', 1],
      ['completed', 1],
    ]);
  });

  test('a job that is cancelled while it runs', async () => {
    const calls: unknown[][] = [];
    const [began, cancelled] = [gate(), gate()];
    const options = { ...noting(calls), onJobCancelled: () => cancelled.open(), heartbeatInterval: 10 };
    const worker = bench.worker(options).register('test.job', () => {
      began.open();
      return cancelled.opened;
    });
    const job = await bench.client.enqueue('test.job', []);
    await worker.runUntil(async () => {
      await began.opened;
      await bench.client.cancelJob(job.id);
      await cancelled.opened;
    });
    expect(calls).toEqual([['started', 1]]);
  });

  // A fault of other SDKs: a listener that threw turned a finished job into a failed one.
  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws what cannot be read',
      () => {
        throw Object.create(null);
      },
    ],
  ])('one that %s changes no outcome', async (_, broken) => {
    const worker = bench.worker({
      onJobStarted: broken,
      onJobCompleted: broken,
      onJobFailed: broken,
      onJobDiscarded: broken,
    });
    worker.register('test.job', ({ args: [fails] }) => {
      if (fails) throw new Error('no');
      return 'x';
    });
    const retry = { maxAttempts: 1 };
    const [good, bad] = [
      await bench.client.enqueue('test.job', [], { retry }),
      await bench.client.enqueue('test.job', [1], { retry }),
    ];
    await worker.runUntil(() => Promise.allSettled([good.wait(), bad.wait()]));
    expect(await good.refresh()).toMatchObject({ state: 'completed', result: 'x' });
    expect(await bad.refresh()).toMatchObject({ state: 'discarded', error: { message: 'no' } });
    expect(
      bench.logger.lines.filter(({ level, message }) => level === 'error' && message.startsWith('onJob')),
    ).toHaveLength(5);
  });
});
