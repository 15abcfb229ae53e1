import type { Transport } from '@ojs-ts/core';
import { type Client, Worker } from '@ojs-ts/sdk';
import { jobType, numberOf, queue } from '../payload.ts';
import type { Stopwatch } from '../stopwatch.ts';
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
  watch: Stopwatch,
  onReady: () => void,
): Promise<Rate> {
  await enqueueAll(client, jobs);
  await untilCounted(client, 'available', jobs);
  const calls = new Calls(jobs);
  let started = false;
  let figure: Rate;
  const worker = new Worker(target, { queues: [queue], concurrency, handleSignals: false });
  worker.register(jobType, ({ args }) => {
    if (!started) watch.start();
    started = true;
    calls.add(numberOf(args));
  });
  onReady();
  const running = worker.start();
  try {
    await calls.done(running);
    await untilCounted(client, 'completed', jobs);
    figure = watch.stop(jobs);
  } finally {
    await worker.stop();
  }
  await running;
  calls.check();
  return figure;
}
