import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { Client, Worker } from '../../../src/index.ts';
import { gate } from '../../support/bench.ts';
import { keepingLogger } from '../../support/log.ts';
import { openProxy } from '../../support/proxy.ts';

test.concurrent.each([true, false])(
  'the lost answer to a long poll is asked for again after 10 s, before its wait has ended (thread: %s)',
  async (heartbeatThread) => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    let hold: Promise<void> = Promise.resolve();
    await using proxy = await openProxy(server.url, (line) => (line.endsWith('/exchange') ? () => hold : 'pass'));
    await using client = new Client(server.url);
    const worker = new Worker(proxy.url, {
      handleSignals: false,
      heartbeatInterval: 500,
      // Shorter than the wait: heartbeats extend the lease of a claim that the worker has not seen.
      visibilityTimeout: '4s',
      heartbeatThread,
      logger: keepingLogger(),
    });
    const ran = gate<number>();
    worker.register('a.b', () => ran.open(performance.now()));
    const never = gate();
    await worker.runUntil(async () => {
      await worker.ready;
      hold = never.opened;
      const job = await client.enqueue('a.b', []);
      const enqueued = performance.now();
      await expect.poll(async () => (await job.refresh()).state, { timeout: 10_000 }).toBe('active');
      hold = Promise.resolve();
      const took = (await ran.opened) - enqueued;
      expect(took).toBeGreaterThan(9_500);
      expect(took).toBeLessThan(14_000);
      await job.wait();
      expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
    });
  },
);
