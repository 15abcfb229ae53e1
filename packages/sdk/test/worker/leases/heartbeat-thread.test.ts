import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker as Thread } from 'node:worker_threads';
import { startServer } from '@ojs-ts/server';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { platform } from '#platform';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { selfSigned } from '../../../../server/test/support/certificate.ts';
import { Client, OJSError, Worker, type WorkerOptions } from '../../../src/index.ts';
import type { HeartbeatListener } from '../../../src/worker/leases/heartbeat-thread.ts';
import { SharedLeases } from '../../../src/worker/leases/shared-leases.ts';
import { aborted, gate } from '../../support/bench.ts';
import { keepingLogger } from '../../support/log.ts';
import { run } from '../../support/process.ts';
import { openProxy } from '../../support/proxy.ts';

describe('SharedLeases', () => {
  test('a second view of the memory lists added leases in any order; a lease that does not fit is reported', () => {
    const text = fc.string({ unit: 'grapheme-ascii', maxLength: 70 });
    const step = fc.oneof(fc.record({ id: text.filter((id) => id !== ''), lease: text, due: fc.nat(10) }), fc.nat(20));
    fc.assert(
      fc.property(fc.array(step), fc.nat(10), (steps, now) => {
        const here = SharedLeases.for(5);
        const there = new SharedLeases(here.buffer);
        const held: { id: string; lease: string; due: number; place: number }[] = [];
        for (const one of steps) {
          if (typeof one === 'number') {
            const [gone] = held.splice(one % Math.max(1, held.length), 1);
            if (gone !== undefined) here.remove(gone.place);
          } else held.push({ ...one, place: here.add(one.id, one.lease, one.due) });
          const listed = held.filter(({ place, due }) => place >= 0 && due > now);
          const sorted = (list: readonly { id: string; lease?: string | undefined }[]) =>
            list.map((job) => `${job.id} ${job.lease ?? ''}`).sort();
          expect(sorted(there.list(now))).toEqual(sorted(listed));
          expect(there.whole).toBe(held.every(({ place }) => place >= 0));
          expect(held.filter(({ place }) => place >= 0).length).toBeLessThanOrEqual(5);
        }
      }),
    );
  });

  test('open fetches stand beside the jobs, and make the list incomplete where they do not fit', () => {
    const here = SharedLeases.for(3);
    const there = new SharedLeases(here.buffer);
    const job = here.add('j1', 'lease', 10);
    const [first, second] = [here.addFetch('r1'), here.addFetch('r2')];
    expect(there.openFetches().sort()).toEqual(['r1', 'r2']);
    expect(there.list(0)).toEqual([{ id: 'j1', lease: 'lease' }]);
    expect(here.addFetch('r3')).toBe(-1);
    expect(there.whole).toBe(false);
    here.remove(-1);
    here.remove(first);
    here.remove(job);
    expect([there.openFetches(), there.list(0), there.whole]).toEqual([['r2'], [], true]);
    here.remove(second);
    expect(there.openFetches()).toEqual([]);
  });

  test('state and pulse go over; a text that is not ASCII does not fit', () => {
    const here = SharedLeases.for(1);
    const there = new SharedLeases(here.buffer);
    here.state = 'terminate';
    here.pulse();
    expect([there.state, there.stillFor]).toEqual(['terminate', 0]);
    expect(here.add('ü', '', 1)).toBe(-1);
    expect(there.whole).toBe(false);
    here.remove(-1);
    expect(here.add('x', '', 1)).toBe(0);
    expect(there.whole).toBe(true);
  });
});

/** Takes what another worker loses. */
function rival(url: string): { readonly worker: Worker; readonly taken: string[] } {
  const taken: string[] = [];
  const worker = new Worker(url, { handleSignals: false, heartbeatThread: false, logger: keepingLogger() });
  for (const type of ['block.job', 'other.job']) worker.register(type, ({ jobType }) => void taken.push(jobType));
  return { worker, taken };
}

const open = () => startServer({ storage: 'memory:', port: 0, log: false });

describe('workers of a process share the thread', () => {
  /** The threads that begin until the end of the scope. */
  function threads(): Disposable & { readonly all: readonly Thread[] } {
    const all: Thread[] = [];
    const onThread = (message: unknown) => {
      if (message instanceof Object && 'worker' in message && message.worker instanceof Thread)
        all.push(message.worker);
    };
    channel('worker_threads').subscribe(onThread);
    return { all, [Symbol.dispose]: () => channel('worker_threads').unsubscribe(onThread) };
  }

  /** Has had a heartbeat of the thread answered. */
  async function beats(worker: Worker): Promise<void> {
    const before = worker.health().lastHeartbeatAt;
    await vi.waitFor(() => expect(worker.health().lastHeartbeatAt).not.toEqual(before), 60_000);
  }

  function start(url: string) {
    const logger = keepingLogger();
    const worker = new Worker(url, { handleSignals: false, heartbeatInterval: 50, logger });
    const running = worker.start();
    const says = (text: string) =>
      vi.waitFor(
        () => expect(logger.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining(text)),
        60_000,
      );
    return { worker, says, stop: () => worker.stop().then(() => running) };
  }

  const it = testWith(open);

  it('the first one starts it, the last one ends it, and the next one starts another', async (server) => {
    await using second = await open();
    using begun = threads();
    const workers = [server.url, server.url, second.url].map(start);
    for (const { says } of workers) await says('heartbeat thread started');
    expect(begun.all).toHaveLength(1);
    const [first, ...others] = workers;
    await first?.stop();
    for (const { worker } of others) await beats(worker);
    const ended = begun.all.map((thread) => once(thread, 'exit'));
    await Promise.all(others.map(({ stop }) => stop()));
    await Promise.all(ended);
    const next = start(server.url);
    await next.says('heartbeat thread started');
    expect(begun.all).toHaveLength(2);
    await next.stop();
  });

  it('a thread that runs already may look at once: the plan comes with a pulse and the state', async (server) => {
    const { startHeartbeats } = platform;
    if (startHeartbeats === undefined) throw new Error('Node has threads.');
    const seen: unknown[] = [];
    const spy = vi.spyOn(platform, 'startHeartbeats').mockImplementation((plan, listener) => {
      const leases = new SharedLeases(plan.leases);
      seen.push({ state: leases.state, isFresh: leases.stillFor < 60 });
      return startHeartbeats(plan, listener);
    });
    onTestFinished(() => spy.mockRestore());
    const worker = new Worker(server.url, { handleSignals: false, logger: keepingLogger() });
    worker.quiet();
    const running = worker.start();
    await worker.stop();
    await running;
    expect(seen).toEqual([{ state: 'quiet', isFresh: true }]);
  });

  it('a heartbeat of the thread that arrived behind a resume() is followed by one with the state of now', async (server) => {
    await using proxy = await openProxy(server.url, () => 'pass');
    const { startHeartbeats } = platform;
    if (startHeartbeats === undefined) throw new Error('Node has threads.');
    const listeners: HeartbeatListener[] = [];
    const spy = vi.spyOn(platform, 'startHeartbeats').mockImplementation((plan, listener) => {
      listeners.push(listener);
      return startHeartbeats(plan, listener);
    });
    onTestFinished(() => spy.mockRestore());
    const worker = new Worker(proxy.url, { handleSignals: false, heartbeatInterval: '1h', logger: keepingLogger() });
    const beats = () => proxy.seen.filter(({ line }) => line.endsWith('/heartbeat')).length;
    await worker.runUntil(async () => {
      // The first of the main thread, and of the other one.
      await expect.poll(beats).toBe(2);
      listeners[0]?.news({ kind: 'answered', state: 'quiet', listed: [], answer: {}, at: Date.now() });
      await expect.poll(beats).toBe(3);
    });
  });

  it('where it ends early, each worker sends its own', async (server) => {
    using begun = threads();
    const workers = [start(server.url), start(server.url)];
    for (const { says } of workers) await says('heartbeat thread started');
    await begun.all[0]?.terminate();
    for (const { worker, says } of workers) {
      await says('heartbeat thread missing');
      await beats(worker);
    }
    const next = start(server.url);
    await next.says('heartbeat thread started');
    await Promise.all([...workers, next].map(({ stop }) => stop()));
  });

  it('a worker that it refuses sends its own; it ends then, or stays for the others', async (server) => {
    const { startHeartbeats } = platform;
    if (startHeartbeats === undefined) throw new Error('Node has threads.');
    using begun = threads();
    let url: string | undefined = 'no address';
    const spy = vi
      .spyOn(platform, 'startHeartbeats')
      .mockImplementation((plan, listener) => startHeartbeats({ ...plan, url: url ?? plan.url }, listener));
    onTestFinished(() => spy.mockRestore());
    const alone = start(server.url);
    await alone.says('heartbeat thread missing');
    await beats(alone.worker);
    await vi.waitFor(() => expect(begun.all.map(({ threadId }) => threadId)).toEqual([-1]), 60_000);
    url = undefined;
    const served = start(server.url);
    await served.says('heartbeat thread started');
    url = 'no address';
    const refused = start(server.url);
    await refused.says('heartbeat thread missing');
    await beats(refused.worker);
    await beats(served.worker);
    expect(begun.all).toHaveLength(2);
    await Promise.all([alone, served, refused].map(({ stop }) => stop()));
  });
});

describe.concurrent('heartbeats from a thread', () => {
  test('a handler that blocks the event loop for twice the visibility keeps its lease; what came meanwhile runs once', async () => {
    await using server = await open();
    await using client = new Client(server.url);
    await using program = run('blocking.ts', server.url, 'thread', '5000', '500');
    await program.says('debug heartbeat thread started');
    await program.says('ready');
    const job = await client.enqueue('block.job', [10_000]);
    await program.says('began');
    // The blocked worker has a fetch under way, which may claim this one.
    const other = await client.enqueue('other.job', []);
    const { worker, taken } = rival(server.url);
    await worker.runUntil(async () => {
      expect(await job.wait()).toBe('blocked');
      await other.wait();
    });
    expect(taken.filter((type) => type === 'block.job')).toEqual([]);
    expect(await job.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
    expect(await other.refresh()).toMatchObject({ state: 'completed', attempt: 1 });
    expect(program.lines.filter((line) => line.startsWith('began'))).toHaveLength(1);
    // The thread keeps nothing alive.
    program.child.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
  });

  test('without the thread, a handler that blocks loses its job', async () => {
    await using server = await open();
    await using client = new Client(server.url);
    await using program = run('blocking.ts', server.url, 'none', '1500', '500');
    await program.says('ready');
    const job = await client.enqueue('block.job', [60_000]);
    await program.says('began');
    const { worker, taken } = rival(server.url);
    await worker.runUntil(() => job.wait());
    expect(taken).toEqual(['block.job']);
  });

  test('the thread uses the TLS settings of the worker', async () => {
    const { certFile, keyFile } = selfSigned();
    await using server = await startServer({ storage: 'memory:', port: 0, log: false, tls: { certFile, keyFile } });
    const url = server.url.replace('127.0.0.1', 'localhost');
    const logger = keepingLogger();
    await using worker = new Worker(url, {
      tls: { ca: readFileSync(certFile, 'utf8') },
      heartbeatInterval: 50,
      handleSignals: false,
      logger,
    });
    const running = worker.start();
    await worker.ready;
    // The first heartbeat is the main thread's; the others are not.
    const first = worker.health().lastHeartbeatAt;
    await vi.waitFor(
      () => expect(worker.health().lastHeartbeatAt?.getTime()).toBeGreaterThan(first?.getTime() ?? 0),
      60_000,
    );
    expect(logger.lines.filter(({ level, message }) => level !== 'debug' && message.includes('thread'))).toEqual([]);
    await worker.stop();
    await running;
  });

  test('cancellations and directives in the thread’s heartbeats reach the worker', async () => {
    await using server = await open();
    await using proxy = await openProxy(server.url, () => 'pass');
    await using client = new Client(server.url);
    const worker = new Worker(proxy.url, {
      handleSignals: false,
      heartbeatInterval: 50,
      token: 'secret',
      logger: keepingLogger(),
    });
    const began = gate();
    const reason = gate<unknown>();
    worker.register('test.job', async ({ signal }) => {
      began.open();
      reason.open(await aborted(signal));
    });
    const job = await client.enqueue('test.job', []);
    await worker.runUntil(async () => {
      await began.opened;
      const beats = () => proxy.seen.filter(({ line }) => line.endsWith('/heartbeat'));
      await vi.waitFor(() => expect(beats().length).toBeGreaterThan(5), 60_000);
      expect(beats().every(({ headers }) => headers.authorization === 'Bearer secret')).toBe(true);
      await client.cancelJob(job.id);
      expect(await reason.opened).toBeInstanceOf(OJSError);
      await vi.waitFor(() => expect(worker.health().lastHeartbeatAt).toBeInstanceOf(Date), 60_000);
    });
  });

  test.each<[string, (url: string) => WorkerOptions]>([
    ['a token function', () => ({ token: () => 'x' })],
    ['a fetch of the caller’s', () => ({ fetch: (...args) => fetch(...args) })],
  ])('%s is called in its own thread: heartbeats stay with it', async (_, options) => {
    await using server = await open();
    const logger = keepingLogger();
    const worker = new Worker(server.url, {
      handleSignals: false,
      heartbeatInterval: 300,
      logger,
      ...options(server.url),
    });
    await worker.runUntil(async () => {
      await worker.ready;
      const first = worker.health().lastHeartbeatAt;
      await vi.waitFor(() => expect(worker.health().lastHeartbeatAt).not.toEqual(first), 60_000);
    });
    expect(logger.lines.filter(({ message }) => message.includes('thread'))).toEqual([]);
  });
});
