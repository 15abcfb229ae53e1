import { manualClock } from '@ojs-ts/core';
import { State, type Transition } from '@ojs-ts/core/job';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { silentLog } from '../../../src/engine/options.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { StoreUnavailable } from '../../../src/storage/unavailable.ts';
import { bench, items, newJob } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

describe.each(storages)('upkeep, $name', ({ url }) => {
  const it = testWith(() => bench(url()));

  it('get and fetch see due jobs without any pass (§2.1)', async (b) => {
    const due = b.clock.now() + 1_000;
    const [first, second] = [
      await b.push({ state: State.scheduled, runAt: due }),
      await b.push({ state: State.scheduled, runAt: due }),
    ];
    const expiring = await b.push({ expiresAt: due });
    b.clock.set(due);
    expect(await b.get(first)).toMatchObject({ state: State.available, enqueuedAt: due });
    expect((await b.get(expiring)).state).toBe(State.discarded);
    expect((await b.fetch({ count: 9 })).map((job) => job.id)).toEqual([first, second]);
  });

  test('jobs removed because of the cap are counted for all nodes, and logged once a minute', async () => {
    const lines: (readonly [object, string])[] = [];
    const line = (fields: object, message: string) =>
      void (message === 'jobs removed over the cap' && lines.push([fields, message]));
    const log = { ...silentLog, info: line, warn: line, error: line };
    await using b = await bench(url(), { log, retention: { keepDeadLetters: 1, keep: 1 } });
    const letters = async (count: number) => {
      const jobs = Array.from({ length: count }, () => newJob(b.clock.now()));
      await b.engine.jobs.push(items(jobs));
      const dead = jobs.map(
        ({ id }): Transition => ({
          id,
          from: State.available,
          to: State.discarded,
          claim: 0,
          deadLetter: true,
          events: [],
        }),
      );
      await b.engine.storage.jobs.transition(dead, b.clock.now());
    };
    await letters(3);
    await b.engine.upkeep.run();
    expect(await b.engine.removals.counts()).toEqual({ completed: 0, cancelled: 0, discarded: 0, dead_letter: 2 });
    const told = { kind: 'dead_letter', cap: 1, variable: 'OJS_RETAIN_DEAD_LETTER_COUNT' };
    expect(lines).toEqual([[{ ...told, removed: 2 }, 'jobs removed over the cap']]);
    b.clock.advance(1_000);
    await letters(4);
    await b.engine.upkeep.run();
    expect([lines.length, await b.engine.removals.counts()]).toMatchObject([1, { dead_letter: 6 }]);
    // What goes for its age is no loss that a cap made.
    b.clock.advance(181 * 86_400_000);
    await b.engine.upkeep.run();
    expect(await b.engine.removals.counts()).toMatchObject({ dead_letter: 6 });
    expect(lines.slice(1)).toEqual([[{ ...told, removed: 4 }, 'jobs removed over the cap']]);
  });

  it('a worker whose time ends while its claims are read is forgotten with its claims, not before', async (b) => {
    const job = await b.start('w1', { retry: { maxAttempts: 2 } });
    await b.beat('w1', [job.id]);
    const { upkeep } = b.engine.storage;
    const { held } = upkeep;
    b.clock.advance(29_999);
    const { now } = b.clock;
    let isRead = false;
    upkeep.held = async (after, limit) => {
      isRead = true;
      return held(after, limit);
    };
    // The claims are judged at 29,999 ms, and everything behind at 30,000 ms.
    let looks = 0;
    b.clock.now = () => now() + (isRead && looks++ > 0 ? 1 : 0);
    await b.engine.upkeep.settleLiveness();
    upkeep.held = held;
    b.clock.now = now;
    b.clock.advance(1);
    await b.engine.upkeep.settleLiveness();
    expect((await b.get(job.id)).state).toBe(State.available);
  });

  it('a heartbeat that arrives while the claims are read counts', async (b) => {
    const job = await b.start('w1');
    await b.beat('w1', [job.id]);
    const { upkeep } = b.engine.storage;
    const { held } = upkeep;
    upkeep.held = async (after, limit) => {
      b.clock.advance(20_000);
      await b.beat('w1', [job.id]);
      b.clock.advance(20_000);
      return held(after, limit);
    };
    await b.engine.upkeep.settleLiveness();
    upkeep.held = held;
    expect((await b.get(job.id)).state).toBe(State.active);
  });

  it('a worker is dead after 30 s without a heartbeat', async (b) => {
    const job = await b.start('w1', { retry: { maxAttempts: 2 } });
    await b.beat('w1', [job.id]);
    b.clock.advance(29_999);
    await b.engine.upkeep.run();
    expect((await b.get(job.id)).state).toBe(State.active);
    b.clock.advance(1);
    await b.engine.upkeep.run();
    expect(await b.get(job.id)).toMatchObject({ state: State.available, attempt: 1, worker: null });
    expect((await b.get(job.id)).history).toContain('worker_death');
    expect(await b.engine.storage.registry.workers()).toEqual([]);
  });

  it('its silence counts from the start of the engine: a restart kills nobody', async (b) => {
    const job = await b.start('w1');
    await b.beat('w1', [job.id]);
    b.clock.advance(3_600_000 / 4);
    const next = await Engine.start({ storage: b.engine.storage, clock: b.clock, upkeep: 'manual' });
    b.clock.advance(29_999);
    await next.upkeep.run();
    expect((await next.jobs.get(job.id))?.state).toBe(State.active);
    b.clock.advance(1);
    await next.upkeep.run();
    expect((await next.jobs.get(job.id))?.state).toBe(State.available);
  });

  it('a lease that ended while no engine listened waits for the next heartbeat of its worker', async (b) => {
    const queue = `only-${newId()}`;
    const ids = await Promise.all(Array.from({ length: 2 }, () => b.push({ queue })));
    await b.fetch({ queues: [queue], worker: 'w1', count: 2, leaseMs: 30_000 });
    await b.beat('w1', ids);
    b.clock.advance(40_000);
    const next = await Engine.start({ storage: b.engine.storage, clock: b.clock, upkeep: 'manual' });
    const states = async () => (await b.engine.storage.jobs.get(ids)).map((job) => job?.state);
    await next.upkeep.run();
    expect(await states()).toEqual([State.active, State.active]);
    // The worker still has one of them; the other it has lost, and its lease is over.
    await next.protocol.beat({
      worker: 'w1',
      holds: [{ id: ids[0] ?? '', claim: null }],
      leaseMs: 30_000,
      state: 'running',
      info: '{}',
    });
    await next.upkeep.run();
    expect(await states()).toEqual([State.active, State.available]);
  });

  it('a worker that stays silent after the restart is dead in its time', async (b) => {
    const queue = `only-${newId()}`;
    const id = await b.push({ queue });
    await b.fetch({ queues: [queue], worker: 'w1', leaseMs: 30_000 });
    await b.beat('w1', [id]);
    b.clock.advance(40_000);
    const next = await Engine.start({ storage: b.engine.storage, clock: b.clock, upkeep: 'manual' });
    b.clock.advance(30_000);
    await next.upkeep.settleOverdue();
    const [job] = await b.engine.storage.jobs.get([id]);
    expect(job?.state).toBe(State.available);
    expect(job?.history).toContain('worker_death');
  });

  it('jobs that wait for their worker do not block later overdue ones', async (b) => {
    const queue = `only-${newId()}`;
    const waiting = await Promise.all(Array.from({ length: 450 }, () => b.push({ queue })));
    for (let round = 0; round < 5; round++)
      await b.fetch({ queues: [queue], worker: 'w1', count: 100, leaseMs: 30_000 });
    await b.beat('w1', waiting);
    const behind = await b.push({ queue });
    await b.fetch({ queues: [queue], worker: 'raw', leaseMs: 35_000 });
    b.clock.advance(40_000);
    const next = await Engine.start({ storage: b.engine.storage, clock: b.clock, upkeep: 'manual' });
    await next.upkeep.settleOverdue();
    expect((await b.engine.storage.jobs.get([behind, waiting[0] ?? ''])).map((job) => job?.state)).toEqual([
      State.available,
      State.active,
    ]);
  });

  test('retention removes everything due, of every kind', async () => {
    await using b = await bench(url(), { retention: { keep: 10, keepEvents: 10 } });
    const jobs = await Promise.all(Array.from({ length: 3_000 }, () => b.push({ queue: 'many' })));
    for (let round = 0; round < 30; round++) {
      const taken = await b.fetch({ queues: ['many'], worker: 'w', count: 100 });
      await Promise.all(
        taken.map(({ id, claim }) => b.engine.protocol.settle({ id, claim, worker: 'w', kind: 'ack', result: null })),
      );
    }
    // A pass ends after a second, in which a busy machine does less: for this one no time passes.
    const stopped = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    await b.engine.upkeep.prune().finally(() => stopped.mockRestore());
    expect((await b.engine.storage.jobs.get(jobs)).filter((job) => job !== null)).toHaveLength(10);
    const { batches } = await b.engine.storage.events(0, 100_000);
    // A batch goes as a whole.
    expect(batches.length).toBeLessThan(5);
  });

  test('retention asks once where less than a page is due: in a busy store there is always a little more', async () => {
    await using b = await bench(url(), { retention: { keep: 1 } });
    for (const id of [await b.push(), await b.push(), await b.push()]) await b.engine.lifecycle.cancel(id, null);
    const prune = vi.spyOn(b.engine.storage.upkeep, 'prune');
    await b.engine.upkeep.prune();
    expect(prune).toHaveBeenCalledTimes(1);
    expect(await prune.mock.results[0]?.value).toMatchObject({
      jobs: [{ gone: 0 }, { gone: 2 }, { gone: 0 }, { gone: 0 }],
    });
  });

  it('a job that two heartbeats in a row do not list is available again, uncounted; one is not enough', async (b) => {
    const lost = await b.start('w1');
    const kept = await b.start('w1');
    const beatAndRun = async (holds: readonly string[] | null) => {
      b.clock.advance(5_000);
      await b.beat('w1', holds);
      await b.engine.upkeep.run();
      return (await b.get(lost.id)).state;
    };
    expect(await beatAndRun([kept.id])).toBe(State.active);
    expect(await beatAndRun([kept.id, lost.id])).toBe(State.active);
    expect(await beatAndRun([kept.id])).toBe(State.active);
    // A heartbeat that only counts says nothing about any job.
    expect(await beatAndRun(null)).toBe(State.active);
    // The pass that finds it, and two heartbeats from after it.
    expect(await beatAndRun([kept.id])).toBe(State.active);
    expect(await beatAndRun([kept.id])).toBe(State.active);
    expect(await beatAndRun([kept.id])).toBe(State.available);
    expect(await b.get(lost.id)).toMatchObject({ attempt: 0, worker: null });
    expect((await b.get(kept.id)).state).toBe(State.active);
  });

  it('a claim that a slow call brings to the store is not lost to heartbeats that came before it', async (b) => {
    await b.push();
    const { jobs } = b.engine.storage;
    const { claim } = jobs;
    jobs.claim = async (claims, sentAt, maxBytes) => {
      for (let beat = 0; beat < 3; beat++) {
        b.clock.advance(5_000);
        await b.beat('w1', []);
      }
      return claim(claims, sentAt, maxBytes);
    };
    const [job] = await b.fetch({ worker: 'w1' });
    jobs.claim = claim;
    const state = async () => (await b.get(job?.id ?? '')).state;
    await b.engine.upkeep.settleLiveness();
    expect(await state()).toBe(State.active);
    for (let beat = 0; beat < 2; beat++) {
      b.clock.advance(5_000);
      await b.beat('w1', []);
    }
    await b.engine.upkeep.settleLiveness();
    expect(await state()).toBe(State.available);
  });

  test('retention: by age and by number, and each state by its own', async () => {
    await using b = await bench(url(), {
      retention: { completedMs: 1_000, cancelledMs: 2_000, discardedMs: 3_000, keep: 2, eventsMs: 10_000 },
    });
    const complete = async () => {
      const job = await b.start();
      await b.engine.protocol.settle({ id: job.id, claim: job.claim, worker: null, kind: 'ack', result: null });
      b.clock.advance(1);
      return job.id;
    };
    const ids = [await complete(), await complete(), await complete()];
    const cancelled = await b.push();
    await b.engine.lifecycle.cancel(cancelled, null);
    const left = async () => (await b.engine.storage.jobs.get([...ids, cancelled])).map((job) => job !== null);
    await b.engine.upkeep.run();
    expect(await left()).toEqual([false, true, true, true]);
    b.clock.advance(1_001);
    await b.engine.upkeep.run();
    expect(await left()).toEqual([false, false, false, true]);
    b.clock.advance(1_000);
    await b.engine.upkeep.run();
    expect(await left()).toEqual([false, false, false, false]);
    b.clock.advance(10_000);
    await b.engine.upkeep.run();
    const { batches, newest } = await b.engine.storage.events(0, 100);
    expect(batches).toEqual([]);
    expect(newest).toBeGreaterThan(0);
  });
});

describe('upkeep by timers', () => {
  test('a process that was stopped does not kill workers whose heartbeats it did not read', async () => {
    const storage = await openStorage('memory:');
    const { upkeep } = storage;
    const promote = upkeep.promote.bind(upkeep);
    const passed = new Promise<void>((resolve) => {
      const lease = upkeep.lease.bind(upkeep);
      upkeep.lease = async (name, ...rest) => {
        if (name === 'retention') resolve();
        return lease(name, ...rest);
      };
    });
    // Stands still in the middle of a pass, as a stopped process may, for longer than a stall and than a worker may be
    // silent.
    upkeep.promote = async (now, limit) => {
      upkeep.promote = promote;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_300);
      return promote(now, limit);
    };
    await using engine = await Engine.start({ storage, deadAfterMs: 4_000 });
    const job = newJob(engine.clock.now());
    await engine.jobs.push(items([job]));
    await engine.protocol.fetch({ queues: ['q'], count: 1, worker: 'w1', leaseMs: null, request: null, waitMs: 0 });
    await engine.protocol.beat({
      worker: 'w1',
      holds: [{ id: job.id, claim: null }],
      leaseMs: null,
      state: 'running',
      info: '{}',
    });
    await passed;
    expect((await engine.jobs.get(job.id))?.state).toBe(State.active);
  });

  test('an outage of the store does not kill workers; one that stays silent is dead in its time', async () => {
    const storage = await openStorage('memory:');
    const clock = manualClock(Date.now());
    const wall = vi.spyOn(Date, 'now').mockImplementation(() => clock.now());
    onTestFinished(() => wall.mockRestore());
    const { upkeep, registry } = storage;
    const { promote, overdue, lease } = upkeep;
    const { workers } = registry;
    let [away, quiet] = [0, 0];
    const asked = () => {
      if (away > 0) throw new StoreUnavailable('the store is away');
    };
    // Each look fails soon, and all of them together take longer than a lease, and than a worker may be silent.
    upkeep.promote = async (now, limit) => {
      if (away > 0) {
        away -= 1;
        clock.advance(4_000);
        throw new StoreUnavailable('the store is away');
      }
      return promote(now, limit);
    };
    upkeep.overdue = async (now, limit) => {
      asked();
      if (quiet > 0) {
        quiet -= 1;
        clock.advance(4_000);
      }
      return overdue(now, limit);
    };
    registry.workers = async () => {
      asked();
      return workers();
    };
    const rounds: (() => void)[] = [];
    upkeep.lease = async (name, ...rest) => {
      asked();
      if (name === 'liveness') for (const told of rounds.splice(0)) told();
      return lease(name, ...rest);
    };
    const round = () => new Promise<void>((told) => void rounds.push(told));
    await using engine = await Engine.start({ storage, clock });
    const job = newJob(clock.now());
    await engine.jobs.push(items([job]));
    await engine.protocol.fetch({ queues: ['q'], count: 1, worker: 'w1', leaseMs: 30_000, request: null, waitMs: 0 });
    await engine.protocol.beat({
      worker: 'w1',
      holds: [{ id: job.id, claim: null }],
      leaseMs: 30_000,
      state: 'running',
      info: '{}',
    });
    const from = clock.now();
    away = 12;
    // The slower of the two loops that take jobs back begins again, so it has been round.
    await round();
    await round();
    expect(clock.now() - from).toBe(48_000);
    // Not by the engine, whose reads look for what is overdue, too.
    const stored = async () => (await storage.jobs.get([job.id]))[0];
    expect((await stored())?.state).toBe(State.active);
    quiet = 9;
    await expect.poll(async () => (await stored())?.state).toBe(State.available);
    expect((await stored())?.history).toContain('worker_death');
    expect(clock.now() - from).toBeGreaterThanOrEqual(48_000 + 28_000);
  });

  test('an error of the store is logged once, and its end once', async () => {
    const storage = await openStorage('memory:');
    const promote = storage.upkeep.promote.bind(storage.upkeep);
    const told: string[] = [];
    let calls = 0;
    const again = Promise.withResolvers<void>();
    const note = (_: object, message: string) => {
      told.push(message);
      if (message === 'upkeep recovered') again.resolve();
    };
    storage.upkeep.promote = async (now, limit) => {
      calls++;
      if (calls <= 3) throw new Error('the store is away');
      return promote(now, limit);
    };
    await using _engine = await Engine.start({ storage, log: { ...silentLog, info: note, warn: note, error: note } });
    await again.promise;
    expect(told.filter((message) => message.startsWith('upkeep'))).toEqual(['upkeep failed', 'upkeep recovered']);
    expect(calls).toBe(4);
  });

  test('an engine closes, and closes its store, although the store is unreachable', async () => {
    const storage = await openStorage('memory:');
    const engine = await Engine.start({ storage });
    const away = () => Promise.reject(new StoreUnavailable('the store is away'));
    storage.upkeep.release = away;
    storage.upkeep.promote = away;
    storage.upkeep.lease = away;
    const close = storage[Symbol.asyncDispose].bind(storage);
    let closed = 0;
    storage[Symbol.asyncDispose] = () => {
      closed += 1;
      return close();
    };
    await engine[Symbol.asyncDispose]();
    expect(closed).toBe(1);
  });

  test('promote, expire and recover jobs by themselves', async () => {
    const storage = await openStorage('memory:');
    await using engine = await Engine.start({ storage });
    const now = engine.clock.now();
    const jobs = [
      newJob(now, { state: State.scheduled, runAt: now + 50 }),
      newJob(now, { expiresAt: now + 50, queue: 'e' }),
    ];
    await engine.jobs.push(items(jobs));
    const states = async () => (await storage.jobs.get(jobs.map(({ id }) => id))).map((job) => job?.state);
    await expect.poll(states).toEqual([State.available, State.discarded]);
  });
});
