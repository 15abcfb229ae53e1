import { startServer } from '@ojs-ts/server';
import { describe, expect, test } from 'vitest';
import { Admin, Client } from '../../../src/index.ts';
import { SharedLoad } from '../../../src/worker/leases/shared-load.ts';
import { openBench } from '../../support/bench.ts';
import { run } from '../../support/process.ts';

const mebibyte = 1_048_576;
/** How long the handler blocks, in milliseconds. */
const blockMs = 3_000;

describe('SharedLoad', () => {
  test('a second view of the memory has the last reading, and the longest lag since it was taken', () => {
    const here = new SharedLoad();
    const there = new SharedLoad(here.buffer);
    here.put({ rss_bytes: 3_000_000_000_000, heap_used_bytes: 10, event_loop_lag_ms: 400 });
    here.put({ rss_bytes: 7, heap_used_bytes: 20, event_loop_lag_ms: 5 });
    expect(there.take()).toEqual({ rss_bytes: 7, heap_used_bytes: 20, event_loop_lag_ms: 400 });
    expect(there.take()).toEqual({ rss_bytes: 7, heap_used_bytes: 20, event_loop_lag_ms: 0 });
    here.put({ rss_bytes: 3_000_000_000_000, heap_used_bytes: 10, event_loop_lag_ms: 6 });
    expect(there.take()).toEqual({ rss_bytes: 3_000_000_000_000, heap_used_bytes: 10, event_loop_lag_ms: 6 });
  });
});

describe('the load of a worker', () => {
  test('grows while a handler blocks the event loop, shows the block afterwards, and then is over', async () => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    await using client = new Client(server.url);
    await using admin = new Admin(server.url);
    await using program = run('blocking.ts', server.url, 'thread', '30000', '1000');
    await program.says('debug heartbeat thread started');
    await program.says('ready');
    const load = async () => (await admin.listWorkers()).items[0]?.load;
    await expect.poll(load).toMatchObject({ rssBytes: expect.any(Number), heapUsedBytes: expect.any(Number) });
    const { rssBytes = 0, heapUsedBytes = 0 } = (await load()) ?? {};
    expect(rssBytes).toBeGreaterThan(20 * mebibyte);
    expect(rssBytes).toBeLessThan(1_024 * mebibyte);
    expect(heapUsedBytes).toBeGreaterThan(mebibyte);
    expect(heapUsedBytes).toBeLessThan(rssBytes);
    const job = await client.enqueue('block.job', [blockMs]);
    await program.says('began');
    const lag = async () => (await load())?.eventLoopLagMs ?? 0;
    const patience = { timeout: 15_000, interval: 50 };
    await expect.poll(lag, patience).toBeGreaterThan(500);
    expect(program.lines.some((line) => line.startsWith('ended'))).toBe(false);
    // The thread has told of at most the block less a second; only the event loop itself knows the whole of it.
    await expect.poll(lag, patience).toBeGreaterThan(blockMs - 200);
    expect(await job.wait()).toBe('blocked');
    await expect.poll(lag, patience).toBeLessThan(1_000);
  });

  test('is in the heartbeats of the main thread too', async () => {
    await using bench = await openBench();
    const worker = bench.worker({ heartbeatInterval: 50 }).register('test.job', () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    });
    const beats = () => bench.wire.bodies('worker.heartbeat');
    const lags = () => beats().map(({ load }) => Number(Object(load).event_loop_lag_ms));
    await worker.runUntil(async () => {
      // Samples begin with the second turn of the event loop.
      await bench.wire.until(() => beats().length > 2);
      await (await bench.client.enqueue('test.job', [])).wait();
      await bench.wire.until(() => Math.max(...lags()) > 500);
    });
    const number = expect.any(Number);
    for (const { load } of beats())
      expect(load).toEqual({ rss_bytes: number, heap_used_bytes: number, event_loop_lag_ms: number });
  });
});
