import { setTimeout as sleep } from 'node:timers/promises';
import { startServer } from '@ojs-ts/server';
import { describe, expect, test, vi } from 'vitest';
import { Client, Worker } from '../../src/index.ts';
import { Watchdog } from '../../src/worker/watchdog.ts';
import { openBench } from '../support/bench.ts';
import { keepingLogger } from '../support/log.ts';
import { openProxy } from '../support/proxy.ts';

describe('the watchdog', () => {
  test('a worker with unanswered fetches opens a new connection, logs it, and continues', async () => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    let open = false;
    await using proxy = await openProxy(server.url, () => (open ? 'pass' : { status: 503, body: 'away' }));
    await using client = new Client(server.url);
    const logger = keepingLogger();
    const worker = new Worker(proxy.url, {
      watchdogTimeout: 1_000,
      handleSignals: false,
      heartbeatThread: false,
      logger,
    });
    const seen: boolean[] = [];
    worker.register('test.job', () => {
      // Just after the answer of a fetch; the next one is held for longer than this watchdog's patience.
      seen.push(worker.health().ok);
      return 'x';
    });
    const job = await client.enqueue('test.job', []);
    const running = worker.start();
    await vi.waitFor(
      () => expect(worker.health()).toMatchObject({ ok: false, rebuilds: expect.toSatisfy((n) => n >= 1) }),
      60_000,
    );
    open = true;
    expect(await job.wait()).toBe('x');
    expect(seen).toEqual([true]);
    await worker.stop();
    await running;
    expect(logger.lines).toContainEqual({
      level: 'error',
      message: expect.stringContaining('fetch unanswered'),
      fields: { worker_id: worker.workerId, silent_s: expect.any(Number) },
    });
  });

  test('a given transport is kept, and the log says so', async () => {
    await using bench = await openBench();
    const worker = bench.worker({ watchdogTimeout: 40 });
    bench.wire.spoil('worker.exchange', async (call) => {
      await vi.waitFor(
        () => expect(bench.logger.lines.some(({ message }) => message.includes('was given'))).toBe(true),
        60_000,
      );
      return bench.embedded.call(call);
    });
    const running = worker.start();
    await worker.ready;
    expect(worker.health().rebuilds).toBe(0);
    await worker.stop();
    await running;
  });

  test('the watchdog ignores time without free slots and time in which the event loop was blocked', async () => {
    const stale: number[] = [];
    let wants = false;
    const watchdog = new Watchdog({ limitMs: 200, blockMs: 100, wants: () => wants, stale: (ms) => stale.push(ms) });
    watchdog.start();
    await sleep(300);
    wants = true;
    const sentAt = performance.now();
    expect(watchdog.stoodStill(sentAt)).toBe(false);
    while (performance.now() - sentAt < 400);
    await sleep(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(stale).toEqual([]);
    expect(watchdog.stoodStill(sentAt)).toBe(true);
    expect(watchdog.stoodStill(performance.now())).toBe(false);
    await vi.waitFor(() => expect(stale).toHaveLength(1), 60_000);
    watchdog.stop();
  });
});
