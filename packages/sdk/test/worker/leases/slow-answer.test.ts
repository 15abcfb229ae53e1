import { State } from '@ojs-ts/core/job';
import { describe, expect, test, vi } from 'vitest';
import { serveClocked } from '../../../../server/test/support/clocked.ts';
import { storages } from '../../../../server/test/support/storages.ts';
import { Client, Worker } from '../../../src/index.ts';
import { gate } from '../../support/bench.ts';
import { keepingLogger } from '../../support/log.ts';
import { openProxy } from '../../support/proxy.ts';

const all = [
  ...storages.map((storage) => ({ ...storage, from: 'the main thread', heartbeatThread: false })),
  { name: 'memory', url: () => 'memory:', from: 'a thread', heartbeatThread: true },
];

describe.each(all)('heartbeats from $from, $name', ({ url, heartbeatThread }) => {
  async function open() {
    const server = await serveClocked(url());
    let isCut = false;
    let hold: Promise<void> = Promise.resolve();
    const proxy = await openProxy(server.url, (line) => {
      if (!line.endsWith('/exchange')) return 'pass';
      return isCut ? 'after' : () => hold;
    });
    const logger = keepingLogger();
    const worker = new Worker(proxy.url, { handleSignals: false, heartbeatInterval: 100, heartbeatThread, logger });
    const client = new Client(server.url);
    const { clock, engine } = server.bench;
    return {
      worker,
      client,
      /** Answers to exchanges are held back until then. */
      hold(until: Promise<void>) {
        hold = until;
      },
      /** Whether connections of exchanges from now on are cut in place of an answer. */
      cut(cut: boolean) {
        isCut = cut;
      },
      /** The worker fetches, and heartbeats go the way that is tested. */
      async ready() {
        await worker.ready;
        const started = () => logger.lines.some(({ message }) => message === 'heartbeat thread started');
        if (heartbeatThread) await vi.waitFor(() => expect(started()).toBe(true), 30_000);
      },
      state: async (id: string) => (await engine.jobs.get(id))?.state,
      /**
       * Two looks for lost claims, each three heartbeats later that the worker built when it knew this time: the first
       * one sees that a claim is not listed, and only heartbeats from after it count.
       */
      async beats() {
        for (let look = 0; look < 2; look++) {
          clock.advance(5_000);
          const now = new Date(clock.now()).toISOString();
          const beats = () => proxy.seen.filter(({ line, body }) => line.endsWith('/heartbeat') && body.includes(now));
          await vi.waitFor(() => expect(beats().length).toBeGreaterThan(3), 30_000);
          await engine.upkeep.run();
        }
      },
      async [Symbol.asyncDispose]() {
        await worker.stop();
        await client[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  }

  test('while the answer to a fetch is held back, the server keeps its claims; the job runs once', async () => {
    await using b = await open();
    let runs = 0;
    b.worker.register('a.b', () => void runs++);
    const held = gate();
    const running = b.worker.start();
    await b.ready();
    b.hold(held.opened);
    const job = await b.client.enqueue('a.b', []);
    await vi.waitFor(async () => expect(await b.state(job.id)).toBe(State.active), 30_000);
    await b.beats();
    expect(await b.state(job.id)).toBe(State.active);
    held.open();
    await job.wait();
    expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
    expect(runs).toBe(1);
    await b.worker.stop();
    await running;
  });

  test('a fetch that the worker gave up keeps nothing: its job goes back uncounted', async () => {
    await using b = await open();
    b.worker.register('a.b', () => {});
    const running = b.worker.start();
    await b.ready();
    const held = gate();
    b.hold(held.opened);
    const job = await b.client.enqueue('a.b', []);
    await vi.waitFor(async () => expect(await b.state(job.id)).toBe(State.active), 30_000);
    b.cut(true);
    b.worker.quiet();
    await b.beats();
    expect(await b.state(job.id)).toBe(State.available);
    b.cut(false);
    held.open();
    b.worker.resume();
    await job.wait();
    expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
    await b.worker.stop();
    await running;
  });
});
