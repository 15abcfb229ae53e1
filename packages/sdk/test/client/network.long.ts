import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startServer } from '@ojs-ts/server';
import { expect, test, vi } from 'vitest';
import { Client, type JobContext, Worker } from '../../src/index.ts';
import { Hop } from '../support/hop.ts';
import { keepingLogger } from '../support/log.ts';

const portOf = (server: RunningServer) => Number(new URL(server.url).port);

// The server that is killed instead (SIGKILL) is packages/cli/test/crash.long.ts.
test('ten restarts of the server and resets under load lose no acknowledged job and run none twice; work resumes within 5 s', async () => {
  const home = mkdtempSync(join(tmpdir(), 'ojs-restarts-'));
  const open = () => startServer({ storage: `sqlite:${join(home, 'store.db')}`, port: 0, log: false });
  let server = await open();
  await using hop = await Hop.to(portOf(server));
  // Restarts may take longer than the five retries of the default.
  await using client = new Client(hop.url, { timeout: '60s', requestRetry: { maxRetries: 100, maxBackoff: 500 } });
  const workers = [1, 2].map(
    () =>
      new Worker(hop.url, { concurrency: 10, heartbeatInterval: 1_000, handleSignals: false, logger: keepingLogger() }),
  );
  const runs = new Map<number, number>();
  let resume = () => {};
  for (const worker of workers) {
    worker.register('test.job', async ({ args: [n] }: JobContext<[number]>) => {
      runs.set(n, (runs.get(n) ?? 0) + 1);
      resume();
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20));
      return n;
    });
  }
  const running = workers.map((worker) => worker.start());
  const acknowledged = new Map<string, number>();
  let stop = false;
  let next = 0;
  const produce = async () => {
    while (!stop) {
      const n = next++;
      acknowledged.set((await client.enqueue('test.job', [n], { retry: { maxAttempts: 1 } })).id, n);
    }
  };
  const producers = [1, 2, 3, 4].map(produce);
  const waits: number[] = [];
  for (let restart = 0; restart < 10; restart++) {
    const from = runs.size;
    await vi.waitFor(() => expect(runs.size).toBeGreaterThan(from + 100), 60_000);
    hop.weather = 'reset';
    hop.weather = 'pass';
    await server.close();
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 2_000));
    server = await open();
    const resumed = new Promise<void>((resolve) => {
      resume = resolve;
    });
    const back = performance.now();
    hop.behind = portOf(server);
    await resumed;
    waits.push(performance.now() - back);
  }
  stop = true;
  await Promise.all(producers);
  console.log(`${acknowledged.size} jobs; resumed after ${waits.map((ms) => Math.round(ms)).join(', ')} ms`);
  for (const [id, n] of acknowledged) {
    const job = await vi.waitFor(async () => {
      const read = await client.getJob(id);
      expect(read.state).toBe('completed');
      return read;
    }, 60_000);
    expect(job).toMatchObject({ attempt: 1, errors: [], result: n });
    expect(runs.get(n)).toBe(1);
  }
  expect(Math.max(...waits)).toBeLessThan(5_000);
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(running);
  await server.close();
  rmSync(home, { recursive: true });
});
