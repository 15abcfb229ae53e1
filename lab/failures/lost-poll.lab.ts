import { startServer } from '@ojs-ts/server';
import { expect, test } from 'vitest';
import { Client, Worker } from '../../packages/sdk/src/index.ts';
import { gate } from '../../packages/sdk/test/support/bench.ts';
import { keepingLogger } from '../../packages/sdk/test/support/log.ts';
import { type Meddling, openProxy } from '../../packages/sdk/test/support/proxy.ts';

test.concurrent.each([
  { lost: 'answer', heartbeatThread: true },
  { lost: 'answer', heartbeatThread: false },
  { lost: 'request', heartbeatThread: true },
])(
  'a long poll whose $lost is lost goes again after its wait and the time of an answer, 15 s (thread: $heartbeatThread)',
  async ({ lost, heartbeatThread }) => {
    await using server = await startServer({ storage: 'memory:', port: 0, log: false });
    const never = gate();
    let meddling: Meddling = 'pass';
    /** When the proxy saw the poll that is lost: a busy test hears of it later. */
    let lostAt = 0;
    await using proxy = await openProxy(server.url, (line) => {
      if (!line.endsWith('/exchange') || meddling === 'pass') return 'pass';
      lostAt ||= performance.now();
      return meddling;
    });
    await using client = new Client(server.url);
    const worker = new Worker(proxy.url, {
      handleSignals: false,
      // A heartbeat that is answered late would repeat the poll at once. This one has 3.2 s for its answer.
      heartbeatInterval: 4_000,
      // Shorter than the wait: heartbeats extend the lease of a claim that the worker has not seen.
      visibilityTimeout: '12s',
      heartbeatThread,
      logger: keepingLogger(),
    });
    const polls = () => proxy.seen.filter(({ line }) => line.endsWith('/exchange')).length;
    const ran = gate<number>();
    worker.register('a.b', () => ran.open(performance.now()));
    await worker.runUntil(async () => {
      await worker.ready;
      const before = polls();
      meddling = lost === 'answer' ? () => never.opened : 'swallow';
      await expect.poll(polls, { timeout: 20_000 }).toBeGreaterThan(before);
      const job = await client.enqueue('a.b', []);
      if (lost === 'answer')
        await expect.poll(async () => (await job.refresh()).state, { timeout: 20_000 }).toBe('active');
      meddling = 'pass';
      const took = (await ran.opened) - lostAt;
      expect(took).toBeGreaterThan(12_000);
      expect(took).toBeLessThan(28_000);
      await job.wait();
      expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
    });
  },
);
