import type { Transport } from '@ojs-ts/core';
import { type Client, Worker } from '@ojs-ts/sdk';
import { jobType, numberOf, queue } from '../payload.ts';
import type { Stopwatch } from '../stopwatch.ts';
import type { Drain, Rate } from '../task.ts';
import { enqueueAll } from './batch.ts';
import { Calls, untilCounted, untilGone } from './checks.ts';

/**
 * All jobs wait before the workers start. From the first handler call until the store counts every job as completed;
 * where finished jobs are deleted, CPU time counts until the last one is gone.
 * @param targets Of the workers, in rotation.
 * @param onReady Called when the jobs wait and the workers are about to start.
 */
export async function drain(
  client: Client,
  targets: readonly (string | Transport)[],
  jobs: number,
  { concurrency, deleting, workers = 1 }: Drain,
  watch: Stopwatch,
  onReady: () => void = () => {},
): Promise<Rate> {
  await enqueueAll(client, jobs);
  await untilCounted(client, 'available', jobs);
  const calls = new Calls(jobs);
  const all = Array.from({ length: workers }, (_, index) => {
    const worker = new Worker(targets[index % targets.length] ?? '', {
      queues: [queue],
      concurrency,
      handleSignals: false,
    });
    worker.register(jobType, ({ args }) => {
      watch.start();
      calls.add(numberOf(args));
    });
    return worker;
  });
  let figure: Rate;
  onReady();
  const running = Promise.all(all.map((worker) => worker.start())).then(() => {});
  try {
    await calls.done(running);
    if (deleting) {
      await untilGone(client, true);
      watch.lap();
      await untilGone(client, false);
    } else await untilCounted(client, 'completed', jobs);
    figure = watch.stop(jobs);
  } finally {
    await Promise.all(all.map((worker) => worker.stop()));
  }
  await running;
  calls.check();
  return figure;
}
