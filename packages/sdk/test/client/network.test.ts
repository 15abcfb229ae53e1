import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startServer } from '@ojs-ts/server';
import { describe, expect, test, vi } from 'vitest';
import { Client, type JobContext, Worker } from '../../src/index.ts';
import { Hop, type Weather } from '../support/hop.ts';
import { keepingLogger } from '../support/log.ts';
import { run } from '../support/process.ts';
import { openProxy } from '../support/proxy.ts';

const portOf = (server: RunningServer) => Number(new URL(server.url).port);
const open = (storage: string) => startServer({ storage, port: 0, log: false });
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Enqueues jobs over the hop as fast as they are acknowledged, and notes which were. */
async function produce(client: Client, count: number, from = 0): Promise<Map<string, number>> {
  const acknowledged = new Map<string, number>();
  for (let n = from; n < from + count; n++)
    acknowledged.set((await client.enqueue('test.job', [n], { retry: { maxAttempts: 1 } })).id, n);
  return acknowledged;
}

test('closing a client waits for a call that is about to be tried again', async () => {
  await using server = await open('memory:');
  let asked = 0;
  await using proxy = await openProxy(server.url, (line) =>
    line.endsWith('/jobs/batch') && asked++ === 0 ? { status: 503, body: '' } : 'pass',
  );
  const client = new Client(proxy.url, { requestRetry: { minBackoff: 200 }, logger: keepingLogger() });
  const batch = client.enqueueBatch([{ type: 'test.job', args: [] }]);
  await expect.poll(() => proxy.seen.length).toBe(1);
  let closed = false;
  const closing = client.close().then(() => {
    closed = true;
  });
  const [job] = await batch;
  expect([job.state, closed]).toEqual(['available', false]);
  await closing;
});

describe.concurrent('network faults', () => {
  test.each<Weather>(['reset', 'drop', 'delay'])(
    '%s: nothing acknowledged is lost, nothing runs twice, no success becomes a failure',
    async (weather) => {
      await using server = await open('memory:');
      await using hop = await Hop.to(portOf(server));
      // Restarts may take longer than the five retries of the default.
      await using client = new Client(hop.url, { timeout: '60s', requestRetry: { maxRetries: 100, maxBackoff: 500 } });
      await using direct = new Client(server.url);
      const worker = new Worker(hop.url, {
        concurrency: 5,
        heartbeatInterval: 2_000,
        handleSignals: false,
        logger: keepingLogger(),
      });
      const runs = new Map<number, number>();
      let back = Number.POSITIVE_INFINITY;
      const resumed = Promise.withResolvers<number>();
      worker.register('test.job', async ({ args: [n] }: JobContext<[number]>) => {
        runs.set(n, (runs.get(n) ?? 0) + 1);
        if (performance.now() > back) resumed.resolve(performance.now() - back);
        await wait(5);
        return n;
      });
      const running = worker.start();
      const first = await produce(client, 30);
      hop.weather = weather;
      // These need the line, and are done only when it is back. A call of the client's that hangs in a half-open
      // connection has its whole deadline.
      const second = produce(weather === 'drop' ? direct : client, 10, first.size);
      await wait(1_500);
      back = performance.now();
      hop.weather = 'pass';
      const during = await second;
      await direct.enqueue('test.job', [1_000]);
      // A long poll whose request or answer was lost is missed after 15 s, where no heartbeat failed.
      expect(await resumed.promise).toBeLessThan(20_000);
      const all = new Map([...first, ...during]);
      for (const [id, n] of all) {
        const job = await vi.waitFor(async () => {
          const read = await direct.getJob(id);
          expect(read.state).not.toMatch(/available|active/);
          return read;
        }, 60_000);
        expect(job).toMatchObject({ state: 'completed', attempt: 1, errors: [], result: n });
        expect(runs.get(n)).toBe(1);
      }
      await worker.stop();
      await running;
    },
  );

  test('a restart of the server under load loses no job', async () => {
    const home = mkdtempSync(join(tmpdir(), 'ojs-network-'));
    const storage = `sqlite:${join(home, 'store.db')}`;
    let server = await open(storage);
    await using hop = await Hop.to(portOf(server));
    // Restarts may take longer than the five retries of the default.
    await using client = new Client(hop.url, { timeout: '60s', requestRetry: { maxRetries: 100, maxBackoff: 500 } });
    const worker = new Worker(hop.url, {
      concurrency: 5,
      heartbeatInterval: 2_000,
      handleSignals: false,
      logger: keepingLogger(),
    });
    const runs = new Map<number, number>();
    let resume = () => {};
    worker.register('test.job', async ({ args: [n] }: JobContext<[number]>) => {
      runs.set(n, (runs.get(n) ?? 0) + 1);
      resume();
      await wait(20);
      return n;
    });
    const running = worker.start();
    const sent = produce(client, 150);
    for (let restart = 0; restart < 3; restart++) {
      await vi.waitFor(() => expect(runs.size).toBeGreaterThan(restart * 40 + 10), 60_000);
      await server.close();
      await wait(300);
      server = await open(storage);
      const resumed = new Promise<void>((resolve) => {
        resume = resolve;
      });
      const back = performance.now();
      hop.behind = portOf(server);
      await resumed;
      expect(performance.now() - back).toBeLessThan(15_000);
    }
    for (const [id, n] of await sent) {
      const job = await vi.waitFor(async () => {
        const read = await client.getJob(id);
        expect(read.state).toBe('completed');
        return read;
      }, 60_000);
      expect(job).toMatchObject({ attempt: 1, errors: [], result: n });
      expect(runs.get(n)).toBe(1);
    }
    await worker.stop();
    await running;
    await server.close();
    rmSync(home, { recursive: true });
  });

  test('SIGTERM under load ends within the grace period, with heartbeats to the last ack, and loses no job', async () => {
    await using server = await open('memory:');
    await using proxy = await openProxy(server.url, () => 'pass');
    await using client = new Client(server.url);
    await using program = run('draining.ts', proxy.url);
    const jobs = await client.enqueueBatch(Array.from({ length: 60 }, (_, n) => ({ type: 'load.job', args: [n] })));
    await vi.waitFor(() => expect(program.lines.filter((line) => line.startsWith('began')).length).toBe(30), 60_000);
    const before = proxy.seen.length;
    const from = performance.now();
    program.child.kill('SIGTERM');
    const beats = () => proxy.seen.slice(before).filter(({ line }) => line.endsWith('/heartbeat'));
    await vi.waitFor(() => expect(beats().length).toBeGreaterThan(3), 60_000);
    program.child.kill('SIGUSR2');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - from).toBeLessThan(20_000);
    const began = program.lines.filter((line) => line.startsWith('began'));
    expect(new Set(began).size).toBe(began.length);
    expect(program.lines.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(program.lines.filter((line) => line.startsWith('ended'))).toHaveLength(began.length);
    for (const [n, job] of jobs.entries()) {
      const ran = began.includes(`began ${n}`);
      expect(await job.refresh()).toMatchObject(
        ran ? { state: 'completed', attempt: 1, errors: [] } : { state: 'available', attempt: 0 },
      );
    }
    const drain = proxy.seen.slice(before).map(({ line }) => line);
    const lastTurn = drain.findLastIndex((line) => line.endsWith('/exchange'));
    expect(drain.slice(0, lastTurn).filter((line) => line.endsWith('/heartbeat')).length).toBeGreaterThan(2);
    expect(drain.slice(lastTurn).some((line) => line.endsWith('/heartbeat'))).toBe(true);
  });
});
