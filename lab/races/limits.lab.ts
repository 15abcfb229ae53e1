import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Worker } from '@ojs-ts/sdk';
import { expect, test } from 'vitest';
import { freePort, serve } from '../../packages/cli/test/support/processes.ts';
import { persist } from '../failures/persistent.ts';

const runMs = 60_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

interface Execution {
  readonly startedAt: number;
  readonly endedAt: number;
}

interface History {
  readonly executions: readonly Execution[];
  /**
   * The most that were under way at once, in the order of the log, which is that of the commits: a server knows its
   * time before it has the file.
   */
  readonly most: number;
}

/** What the log of the store says of the executions of a queue. */
async function history(url: string, queue: string): Promise<History> {
  const begun = new Map<string, number>();
  const executions: Execution[] = [];
  let most = 0;
  let after = '';
  for (;;) {
    const { body } = await persist(
      url,
      'GET',
      `/ojs/v1/events?queues=${queue}&types=job.started,job.completed&limit=1000&after=${after}`,
    );
    for (const { type, time, subject } of body.events as readonly { type: string; time: string; subject: string }[]) {
      if (type === 'job.started') {
        begun.set(subject, Date.parse(time));
        most = Math.max(most, begun.size);
      } else {
        executions.push({ startedAt: begun.get(subject) ?? Number.NaN, endedAt: Date.parse(time) });
        begun.delete(subject);
      }
    }
    after = String(body.cursor);
    if (body.has_more !== true) break;
  }
  for (const startedAt of begun.values()) executions.push({ startedAt, endedAt: Number.POSITIVE_INFINITY });
  return { executions, most };
}

/** The most starts in any window `(t, t + perMs)`. */
function mostInWindow(executions: readonly Execution[], perMs: number): number {
  const starts = executions.map(({ startedAt }) => startedAt).sort((a, b) => a - b);
  let [from, most] = [0, 0];
  starts.forEach((at, index) => {
    while ((starts[from] ?? at) <= at - perMs) from++;
    most = Math.max(most, index - from + 1);
  });
  return most;
}

test('limits per key and per queue, 8 workers on two servers on one store for 60 s: never more, and most of it used', async () => {
  const home = mkdtempSync(join(tmpdir(), 'ojs-limits-'));
  const file = join(home, 'jobs.db');
  const ports = [await freePort(), await freePort()];
  await using first = await serve(file, ports[0] ?? 0);
  await using second = await serve(file, ports[1] ?? 0);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const [url = ''] = urls;
  await using client = new Client(url, { logger: silent });
  const concurrency = { key: 4, queue: 6 };
  const rate = { key: { count: 50, perMs: 1_000 }, queue: { count: 20, perMs: 500 } };
  await persist(url, 'PUT', '/ojs/v1/queues/slots-queue/config', { concurrency: concurrency.queue });
  await persist(url, 'PUT', '/ojs/v1/queues/rate-queue/config', {
    rate_limit: { limit: rate.queue.count, period: 'PT0.5S' },
  });
  const plans = [
    { queue: 'slots-key', count: 2_000, options: { rate_limit: { key: 'tenant 1', concurrency: concurrency.key } } },
    { queue: 'slots-queue', count: 2_000, options: {} },
    {
      queue: 'rate-key',
      count: 5_000,
      options: { rate_limit: { key: 'api', rate: { limit: rate.key.count, period: 'PT1S' } } },
    },
    { queue: 'rate-queue', count: 5_000, options: {} },
    // Nothing limits these: they must not wait behind the others.
    { queue: 'free', count: 2_000, options: {} },
  ];
  for (const { queue, count, options } of plans) {
    const jobs = Array.from({ length: count }, (_, number) => ({
      type: 'limited.job',
      args: [number],
      options: { queue, ...options },
    }));
    expect((await persist(url, 'POST', '/ojs/v1/jobs/batch', { jobs })).status).toBe(201);
  }
  const queues = plans.map(({ queue }) => queue);
  const workers = Array.from(
    { length: 8 },
    (_, number) =>
      new Worker(urls[number % 2] ?? url, { queues, concurrency: 10, handleSignals: false, logger: silent }),
  );
  for (const worker of workers) {
    worker.register('limited.job', async (ctx) => {
      if (ctx.queue.startsWith('slots')) await pause(400);
    });
  }
  const running = workers.map((worker) => worker.start());
  await pause(runMs);
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(running);

  const used = async (queue: string, limit: number) => {
    const { executions, most } = await history(url, queue);
    const from = Math.min(...executions.map(({ startedAt }) => startedAt));
    const to = from + runMs - 5_000;
    const busy = executions.reduce(
      (sum, { startedAt, endedAt }) => sum + Math.max(0, Math.min(endedAt, to) - Math.max(startedAt, from)),
      0,
    );
    return { most, used: busy / (limit * (to - from)) };
  };
  const started = async (queue: string, { count, perMs }: { readonly count: number; readonly perMs: number }) => {
    const { executions } = await history(url, queue);
    const from = Math.min(...executions.map(({ startedAt }) => startedAt));
    const to = from + runMs - 5_000;
    const starts = executions.filter(({ startedAt }) => startedAt < to).length;
    return { most: mostInWindow(executions, perMs), used: starts / ((count * (to - from)) / perMs) };
  };
  const report = {
    slotsKey: await used('slots-key', concurrency.key),
    slotsQueue: await used('slots-queue', concurrency.queue),
    rateKey: await started('rate-key', rate.key),
    rateQueue: await started('rate-queue', rate.queue),
    free: (await client.queueStats('free')).completed,
  };
  console.log(JSON.stringify(report));
  expect(report.slotsKey.most).toBeLessThanOrEqual(concurrency.key);
  expect(report.slotsQueue.most).toBeLessThanOrEqual(concurrency.queue);
  expect(report.rateKey.most).toBeLessThanOrEqual(rate.key.count);
  expect(report.rateQueue.most).toBeLessThanOrEqual(rate.queue.count);
  // It is 1.0, and less where the machine stands still for seconds. A lost slot of six would leave 0.83.
  for (const { used: part } of [report.slotsKey, report.slotsQueue, report.rateKey, report.rateQueue])
    expect(part).toBeGreaterThanOrEqual(0.87);
  expect(report.free).toBe(2_000);
  expect(first.running && second.running).toBe(true);
  rmSync(home, { recursive: true, force: true });
});
