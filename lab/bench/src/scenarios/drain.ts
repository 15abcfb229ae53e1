import type { Transport } from '@ojs-ts/core';
import { type Client, Worker } from '@ojs-ts/sdk';
import { jobType, numberOf, queue } from '../payload.ts';
import type { Stopwatch } from '../stopwatch.ts';
import type { Drain, Rate } from '../task.ts';
import { enqueueAll } from './batch.ts';
import { Calls, countsOf, untilCounted, untilGone } from './checks.ts';

/**
 * All jobs wait before the workers fetch. From the first handler call until the store counts every job as completed;
 * where finished jobs are deleted, CPU time counts until the last one is gone.
 * @param targets Of the workers, in rotation.
 * @param onReady Called when the jobs wait and the workers are about to fetch.
 */
export async function drain(
  client: Client,
  targets: readonly (string | Transport)[],
  jobs: number,
  { concurrency, deleting, workers = 1 }: Drain,
  watch: Stopwatch,
  onReady: () => void = () => {},
): Promise<Rate> {
  const before = await countsOf(client);
  await enqueueAll(client, jobs);
  await untilCounted(client, 'available', jobs, before);
  const calls = new Calls(jobs);
  const all = Array.from(
    { length: workers },
    (_, index) =>
      new Worker(targets[index % targets.length] ?? '', {
        queues: [queue],
        concurrency,
        handleSignals: false,
        logger: { debug() {}, info() {}, warn: console.warn, error: console.error },
      }),
  );
  for (const worker of all)
    worker.register(jobType, ({ args }) => {
      watch.start();
      calls.add(numberOf(args));
    });
  const url = targets.find((target) => typeof target === 'string');
  const first = url === undefined ? null : await startThread(url);
  let figure: Rate;
  onReady();
  const running = Promise.all(all.map((worker) => worker.start())).then(() => {});
  try {
    await Promise.race([first?.stop(), running]);
    await calls.done(running);
    if (deleting) {
      await untilGone(client, true);
      watch.lap();
      await untilGone(client, false);
    } else await untilCounted(client, 'completed', jobs, before);
    figure = watch.stop(jobs);
  } finally {
    await Promise.all(all.map((worker) => worker.stop()));
  }
  await running;
  calls.check();
  return figure;
}

/**
 * A worker that fetches nothing. Workers of URLs share a thread for their heartbeats, and this one starts it: that takes
 * 0.1 to 0.3 s of CPU, which a drain of seconds would show.
 */
async function startThread(url: string): Promise<Worker> {
  const started = Promise.withResolvers<void>();
  const worker = new Worker(url, {
    queues: ['none'],
    handleSignals: false,
    logger: {
      debug: (message) => {
        if (message === 'heartbeat thread started') started.resolve();
      },
      info() {},
      warn: (message) => started.reject(new Error(message)),
      error: (message) => started.reject(new Error(message)),
    },
  });
  worker.register('none', () => {});
  worker.quiet();
  const running = worker.start();
  await Promise.race([started.promise, running]);
  return worker;
}
