import { setTimeout as pause } from 'node:timers/promises';
import type { Transport } from '@ojs-ts/core';
import { type Client, Worker } from '@ojs-ts/sdk';
import { jobType, numberOf, queue, requestOf } from '../payload.ts';
import { latency, wallClock } from '../statistics.ts';
import type { Latency } from '../task.ts';
import { Calls, countsOf, untilCounted } from './checks.ts';

const minGapMs = 1;
const maxGapMs = 20;

/** How long an idle worker takes to start a job, from just before the call that enqueues it, in one process. */
export async function pickup(client: Client, target: string | Transport, jobs: number): Promise<Latency> {
  const ready = Promise.withResolvers<void>();
  const started = consume(client, target, jobs, ready.resolve);
  await Promise.race([ready.promise, started]);
  const [sent, starts] = await Promise.all([produce(client, jobs), started]);
  return latency(sent, starts);
}

/** Enqueues at random gaps, so that the worker has run out of work each time; answers when each call began. */
export async function produce(client: Client, jobs: number): Promise<number[]> {
  const sent: number[] = [];
  for (let n = 0; n < jobs; n++) {
    await pause(minGapMs + Math.random() * (maxGapMs - minGapMs));
    const { type, args, ...options } = requestOf(n);
    sent.push(wallClock());
    await client.enqueue(type, args, options);
  }
  return sent;
}

/** Runs a worker until all jobs are completed; answers when each handler started. */
export async function consume(
  client: Client,
  target: string | Transport,
  jobs: number,
  onReady: () => void,
): Promise<number[]> {
  const before = await countsOf(client);
  const starts = new Array<number>(jobs).fill(Number.NaN);
  const calls = new Calls(jobs);
  const worker = new Worker(target, { queues: [queue], concurrency: 10, handleSignals: false });
  worker.register(jobType, ({ args }) => {
    const now = wallClock();
    const n = numberOf(args);
    starts[n] = now;
    calls.add(n);
  });
  const running = worker.start();
  try {
    await Promise.race([worker.ready, running]);
    onReady();
    await calls.done(running);
    await untilCounted(client, 'completed', jobs, before);
  } finally {
    await worker.stop();
  }
  await running;
  calls.check();
  return starts;
}
