import type { Transport } from '@ojs-ts/core';
import { type Client, Worker } from '@ojs-ts/sdk';
import { jobType, numberOf, queue } from '../payload.ts';
import { rate } from '../statistics.ts';
import type { Rate } from '../task.ts';
import { enqueueAll } from './batch.ts';
import { Calls, untilCounted } from './checks.ts';

/**
 * All jobs wait before the worker starts. From the first handler call until the store counts every job as completed.
 * @param onReady Called when the jobs wait and the worker is about to start.
 */
export async function drain(
  client: Client,
  target: string | Transport,
  jobs: number,
  concurrency: number,
  onReady: () => void,
): Promise<Rate> {
  await enqueueAll(client, jobs);
  await untilCounted(client, 'available', jobs);
  const calls = new Calls(jobs);
  let from: number | undefined;
  let ms = Number.NaN;
  const worker = new Worker(target, { queues: [queue], concurrency, handleSignals: false });
  worker.register(jobType, ({ args }) => {
    from ??= performance.now();
    calls.add(numberOf(args));
  });
  onReady();
  const running = worker.start();
  try {
    await calls.done(running);
    await untilCounted(client, 'completed', jobs);
    ms = performance.now() - (from ?? Number.NaN);
  } finally {
    await worker.stop();
  }
  await running;
  calls.check();
  return rate(jobs, ms);
}
