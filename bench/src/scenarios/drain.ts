import type { Transport } from '@ojs-ts/core';
import { type Client, Worker } from '@ojs-ts/sdk';
import { jobType, numberOf, queue } from '../payload.ts';
import type { Stopwatch } from '../stopwatch.ts';
import type { Drain, Rate } from '../task.ts';
import { enqueueAll } from './batch.ts';
import { Calls, untilCounted, untilGone } from './checks.ts';

/** What a worker logs of the thread that sends its heartbeats. */
const thread = { started: 'heartbeat thread started', missing: 'heartbeat thread missing' };

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
  await enqueueAll(client, jobs);
  await untilCounted(client, 'available', jobs);
  const calls = new Calls(jobs);
  const prepared: Promise<void>[] = [];
  const all = Array.from({ length: workers }, (_, index) => {
    const target = targets[index % targets.length] ?? '';
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Only a worker of a URL has the thread. Its start takes 0.1 to 0.3 s of CPU, which a drain of seconds would show.
    if (typeof target === 'string') prepared.push(promise);
    const debug = (message: string) => {
      if (message === thread.started) resolve();
    };
    const warn = (message: string, fields?: object) => {
      console.warn(message, fields);
      if (message.startsWith(thread.missing)) reject(new Error(message));
    };
    const worker = new Worker(target, {
      queues: [queue],
      concurrency,
      handleSignals: false,
      logger: { debug, info() {}, warn, error: console.error },
    });
    worker.quiet();
    worker.register(jobType, ({ args }) => {
      watch.start();
      calls.add(numberOf(args));
    });
    return worker;
  });
  let figure: Rate;
  const running = Promise.all(all.map((worker) => worker.start())).then(() => {});
  try {
    await Promise.race([Promise.all(prepared), running]);
    onReady();
    for (const worker of all) worker.resume();
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
