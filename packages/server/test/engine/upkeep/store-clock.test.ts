import { join } from 'node:path';
import { type ManualClock, manualClock } from '@ojs-ts/core';
import { type JobRecord, State } from '@ojs-ts/core/job';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { Binding } from '../../../src/binding/binding.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { silentLog } from '../../../src/engine/options.ts';
import { StoreClock } from '../../../src/engine/upkeep/store-clock.ts';
import { startServer } from '../../../src/main.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { sqliteStorage } from '../../../src/storage/sqlite/sqlite.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { temporaryDirectory } from '../../storage/sqlite/temporary.ts';
import { items, newJob } from '../../support/engine.ts';
import { call } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

const day = 86_400_000;
const hourly = '{"name":"hourly","cron":"0 * * * *","overlap_policy":"allow","type":"a.b","args":[]}';

/** The wall clock of the machine, which steps, and the monotonic one, which does not. */
class Machine {
  readonly wall: ManualClock = manualClock();
  readonly monotonic: ManualClock = manualClock(5_000);

  pass(ms: number): void {
    this.wall.advance(ms);
    this.monotonic.advance(ms);
  }

  get clocks() {
    return { wall: () => this.wall.now(), monotonic: () => this.monotonic.now() };
  }

  /** For an engine without a clock of the test's. */
  install(): void {
    const spies = [
      vi.spyOn(Date, 'now').mockImplementation(() => this.wall.now()),
      vi.spyOn(performance, 'now').mockImplementation(() => this.monotonic.now()),
    ];
    onTestFinished(() => {
      for (const spy of spies) spy.mockRestore();
    });
  }
}

const failure = { code: 'error', type: 'Error', message: 'It failed.', names: ['Error'] };

function settlementOf({ id, claim }: JobRecord) {
  return { id, claim, worker: null };
}

/** A store elsewhere, with a clock of its own. */
function elsewhere(storage: Storage, clock: () => Promise<number>): Storage {
  return { ...storage, traits: { ...storage.traits, inProcess: false }, clock };
}

/** A store elsewhere that reads its clock between the way there and the way back, in whole milliseconds. */
function faraway(storage: Storage, machine: Machine, ways: { there: number; back: number }, time: () => number) {
  return elsewhere(storage, async () => {
    machine.pass(ways.there);
    const now = Math.floor(time());
    machine.pass(ways.back);
    return now;
  });
}

const ms = (max: number) => fc.double({ min: 0, max, noNaN: true });
const it = testWith(() => openStorage('memory:'));

it('the time of a store elsewhere lies between now and latest, which no round trip parts by more than it took', async (storage) => {
  const trips = fc.array(fc.record({ there: ms(9_000), back: ms(9_000), pause: ms(20_000) }), { minLength: 1 });
  // Of the monotonic clock, ahead of which the store may be slewed.
  const rates = fc.double({ min: -0.0009, max: 0.0009, noNaN: true });
  await fc.assert(
    fc.asyncProperty(trips, rates, ms(1_000_000), async (trips, rate, offset) => {
      const machine = new Machine();
      const time = () => machine.monotonic.now() * (1 + rate) + offset + 1_000_000;
      const ways = { there: 0, back: 0 };
      const clock = new StoreClock(faraway(storage, machine, ways, time), machine.clocks);
      let last = 0;
      const look = (distance: number) => {
        const [now, latest] = [clock.now(), clock.latest()];
        expect(now).toBeGreaterThanOrEqual(last);
        expect(now).toBeLessThanOrEqual(time());
        expect(latest).toBeGreaterThanOrEqual(time());
        // Both are whole, and so is what the store says.
        expect(latest - now).toBeLessThanOrEqual(distance + 4);
        last = now;
      };
      for (const { there, back, pause } of trips) {
        Object.assign(ways, { there, back });
        await clock.follow();
        const trip = (there + back) * 1.002;
        look(trip);
        machine.pass(pause);
        look(trip + pause * 0.002);
      }
    }),
  );
});

test('what one server puts off, no other starts early, however long each waited for the time of the store', async () => {
  const machine = new Machine();
  machine.install();
  await using storage = await openStorage('memory:');
  const store = () => machine.monotonic.now() + 300_000;
  const start = (there: number, back: number) =>
    Engine.start({ storage: faraway(storage, machine, { there, back }, store), upkeep: 'manual', random: () => 0.5 });
  const engines = [await start(0, 300), await start(300, 0), await start(0, 0)];
  const fetch = (engine: Engine) =>
    engine.protocol.fetch({ queues: ['q'], count: 1, worker: null, leaseMs: null, request: null, waitMs: 0 });
  const later = { type: 'a.b', args: [], options: { queue: 'q', delay_until: '+PT0.2S' } };
  const retry = { maxAttempts: 2, initialIntervalMs: 200, backoffCoefficient: 1, jitter: false };
  for (const slow of engines)
    for (const other of engines) {
      /** When another server hands the job out. */
      const started = async () => {
        for (;;) {
          await other.upkeep.promote();
          const [job] = await fetch(other);
          if (job !== undefined) return { job, at: store() };
          machine.pass(1);
        }
      };
      const binding = new Binding(slow, { version: '0', source: 'ojs://test', testMode: false }, () => {});
      const send = (operation: 'job.enqueue' | 'workflow.create', body: object) =>
        binding.call(operation, { params: {}, query: {}, body: JSON.stringify(body), requestId: 'r', key: null });
      const enqueued = store();
      await send('job.enqueue', later);
      const delayed = await started();
      expect(delayed.at - enqueued).toBeGreaterThanOrEqual(200);
      await slow.protocol.settle({ ...settlementOf(delayed.job), kind: 'requeue', reason: 'snooze', delayMs: 200 });
      const snoozed = await started();
      expect(snoozed.at - delayed.at).toBeGreaterThanOrEqual(200);
      await slow.protocol.settle({ ...settlementOf(snoozed.job), kind: 'ack', result: null });

      await slow.jobs.push(items([newJob(slow.clock.now(), { policy: JSON.stringify({ retry }) })]));
      const first = await started();
      await slow.protocol.settle({ ...settlementOf(first.job), kind: 'fail', failure });
      const retried = await started();
      expect(retried.at - first.at).toBeGreaterThanOrEqual(200);
      await slow.protocol.settle({ ...settlementOf(retried.job), kind: 'ack', result: null });

      await send('workflow.create', {
        type: 'chain',
        steps: [{ type: 'a.b', args: [], options: { queue: 'q' } }, later],
      });
      const step = await started();
      await slow.protocol.settle({ ...settlementOf(step.job), kind: 'ack', result: null });
      const next = await started();
      expect(next.at - step.at).toBeGreaterThanOrEqual(200);
      await slow.protocol.settle({ ...settlementOf(next.job), kind: 'ack', result: null });
    }
  for (const engine of engines) await engine[Symbol.asyncDispose]();
});

it('an answer that took seconds is no step of the clock for the next one', async (storage) => {
  const machine = new Machine();
  const store = () => machine.monotonic.now() + 300_000;
  const ways = { there: 0, back: 8_000 };
  const clock = new StoreClock(faraway(storage, machine, ways, store), machine.clocks);
  const steps: number[] = [];
  clock.listen({ seen: (by) => steps.push(by) });
  await clock.follow();
  expect(store() - clock.now()).toBeCloseTo(8_000, -2);
  ways.back = 0;
  await clock.follow();
  expect(store() - clock.now()).toBeLessThanOrEqual(1);
  expect(steps).toEqual([]);
});

it('follows a store elsewhere, whatever the wall clock does', async (storage) => {
  const machine = new Machine();
  const ahead = 3_600_000;
  const store = () => machine.monotonic.now() + ahead;
  const clock = new StoreClock(
    elsewhere(storage, async () => store()),
    machine.clocks,
  );
  await clock.follow();
  expect(clock.now()).toBe(store());
  machine.wall.advance(-day);
  expect(clock.now()).toBe(store());
  await clock.follow();
  expect(clock.now()).toBe(store());
});

it('an answer that was long on its way moves it by no more than what it proves', async (storage) => {
  const machine = new Machine();
  const ways = { there: 1, back: 1 };
  const store = () => machine.monotonic.now() + 300_000;
  const clock = new StoreClock(faraway(storage, machine, ways, store), machine.clocks);
  await clock.follow();
  expect(store() - clock.now()).toBeLessThanOrEqual(2);
  // The way to the store was dead for 8 s, as a call may be before it is given up.
  for (const [there, back] of [
    [8_000, 0],
    [0, 8_000],
  ] as const) {
    machine.pass(1_000);
    Object.assign(ways, { there, back });
    await clock.follow();
    // 9 s more in which the clocks may have drifted by 0.1 %.
    expect(store() - clock.now()).toBeLessThanOrEqual(30);
  }
});

it('a step of the clock of a store elsewhere is followed once it has held for a minute', async (storage) => {
  const machine = new Machine();
  let step = 0;
  const clock = new StoreClock(
    elsewhere(storage, async () => machine.monotonic.now() + step),
    machine.clocks,
  );
  await clock.follow();
  step = day;
  for (let seconds = 0; seconds < 70; seconds++) {
    machine.pass(1_000);
    await clock.follow();
    if (seconds < 60) expect(clock.now()).toBe(machine.monotonic.now());
  }
  expect(clock.now()).toBe(machine.monotonic.now() + day);
});

it('after a sleep of this machine the time of a store elsewhere holds at once', async (storage) => {
  const machine = new Machine();
  const clock = new StoreClock(
    elsewhere(storage, async () => machine.wall.now() + 100),
    machine.clocks,
  );
  await clock.follow();
  machine.wall.advance(8 * 3_600_000);
  await clock.follow();
  expect(clock.now()).toBe(machine.wall.now() + 100);
});

describe.each(storages.filter(({ name }) => name === 'memory' || name === 'sqlite'))(
  'an engine on $name',
  ({ url }) => {
    test('a clock that is a day ahead for less than a minute starts no delayed job', async () => {
      const machine = new Machine();
      machine.install();
      await using engine = await Engine.start({ storage: await openStorage(url()), upkeep: 'manual' });
      const job = newJob(engine.clock.now(), { state: State.scheduled, runAt: engine.clock.now() + day / 2 });
      await engine.jobs.push(items([job]));
      const state = async () => {
        await engine.upkeep.run();
        return (await engine.jobs.get(job.id))?.state;
      };
      machine.wall.advance(day);
      for (let seconds = 0; seconds < 59; seconds++) {
        machine.pass(1_000);
        expect(await state()).toBe(State.scheduled);
      }
      machine.wall.advance(-day);
      machine.pass(1_000);
      expect(await state()).toBe(State.scheduled);
      machine.pass(day / 2);
      expect(await state()).toBe(State.available);
    });

    test('a cron is not silent for a day after the clock was a day ahead and is back', async () => {
      const machine = new Machine();
      machine.install();
      await using engine = await Engine.start({ storage: await openStorage(url()), upkeep: 'manual' });
      await engine.crons.register(hourly, async () => {});
      const minute = async () => {
        machine.pass(60_000);
        await engine.upkeep.run();
        const { runCount, dueAt } = await engine.crons.get('hourly');
        return { runCount, dueIn: (dueAt ?? 0) - machine.wall.now() };
      };
      machine.wall.advance(day);
      await minute();
      expect(await minute()).toMatchObject({ runCount: 1 });
      machine.wall.advance(-day);
      await minute();
      await minute();
      await expect.poll(async () => (await minute()).dueIn).toBeLessThanOrEqual(3_600_000);
      machine.pass(3_600_000);
      expect(await minute()).toMatchObject({ runCount: 2 });
    });
  },
);

describe.each(storages)('workers that live through a step of the clock, $name', ({ url }) => {
  test.each([
    ['forward', 120_000],
    ['back', -120_000],
    ['forward by an hour', 3_600_000],
  ])('a step %s takes no job from a living worker', async (_, by) => {
    const machine = new Machine();
    machine.install();
    const opened = await openStorage(url());
    const storage = opened.traits.inProcess ? opened : elsewhere(opened, async () => machine.wall.now());
    await using engine = await Engine.start({ storage, upkeep: 'manual' });
    // With heartbeats and without, so that both the silence of workers and the end of leases are looked at.
    const limits = { timeoutMs: 100_000, visibilityMs: 30_000, heartbeatMs: 10_000 };
    const beating = newJob(engine.clock.now(), { queue: 'beating', ...limits, timeoutMs: 200_000 });
    const silent = newJob(engine.clock.now(), { queue: 'silent', ...limits, visibilityMs: 90_000 });
    await engine.jobs.push(items([beating, silent]));
    const fetch = (queue: string) =>
      engine.protocol.fetch({ queues: [queue], count: 1, worker: queue, leaseMs: null, request: null, waitMs: 0 });
    const claims = [...(await fetch('beating')), ...(await fetch('silent'))].map(({ id, claim }) => ({ id, claim }));
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        machine.pass(1_000);
        if (second % 5 === 0)
          await engine.protocol.beat({
            worker: 'beating',
            holds: [{ id: beating.id, claim: null }],
            leaseMs: null,
            state: 'running',
            info: '{}',
          });
        if (engine.clock instanceof StoreClock) await engine.clock.follow();
        await engine.upkeep.promote();
        await engine.upkeep.settleOverdue();
        await engine.upkeep.settleLiveness();
      }
    };
    await pass(10);
    machine.wall.advance(by);
    await pass(70);
    expect(Math.abs(engine.clock.now() - machine.wall.now())).toBeLessThanOrEqual(2);
    const found = await engine.storage.jobs.get(claims.map(({ id }) => id));
    expect(found.map((job) => job && { id: job.id, claim: job.claim, state: job.state, history: job.history })).toEqual(
      claims.map((claim) => ({ ...claim, state: State.active, history: '' })),
    );
    // It has had its time by now: what the clock skipped is not counted, what has passed is.
    if (by < 0) return;
    await pass(25);
    expect((await engine.storage.jobs.get([silent.id]))[0]).toMatchObject({ state: State.available });
    expect((await engine.storage.jobs.get([beating.id]))[0]).toMatchObject({ state: State.active });
  });

  test('a server that sees a step back later than another takes no job that the other has started', async () => {
    const machine = new Machine();
    machine.install();
    const opened = await openStorage(url());
    const storage = elsewhere(opened, async () => machine.wall.now());
    await using first = await Engine.start({ storage, upkeep: 'manual' });
    await using second = await Engine.start({ storage, upkeep: 'manual' });
    const see = async ({ clock }: Engine) => {
      if (clock instanceof StoreClock) await clock.follow();
      return clock.now();
    };
    machine.wall.advance(-120_000);
    const stands = await see(first);
    machine.pass(40_000);
    const later = second.clock.now();
    expect(later).toBeGreaterThan(stands + 39_000);
    expect(await see(second)).toBe(later);
    const job = newJob(stands, { visibilityMs: 30_000 });
    await first.jobs.push(items([job]));
    await first.protocol.fetch({ queues: [job.queue], count: 1, worker: 'w', leaseMs: null, request: null, waitMs: 0 });
    const holds = [{ id: job.id, claim: null }];
    await first.protocol.beat({ worker: 'w', holds, leaseMs: null, state: 'running', info: '{}' });
    await second.upkeep.settleOverdue();
    await second.upkeep.settleLiveness();
    expect((await storage.jobs.get([job.id]))[0]).toMatchObject({ state: State.active, history: '' });
    // Its time goes on once it follows the step: then the worker is dead.
    machine.pass(60_000);
    expect(await see(second)).toBeLessThan(later);
    machine.pass(150_000);
    await second.upkeep.settleOverdue();
    await second.upkeep.settleLiveness();
    expect((await storage.jobs.get([job.id]))[0]).toMatchObject({ state: State.available });
  });
});

test('a clock behind the newest time of the store is reported at the start, in log and health', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  const newest = Date.now() + day;
  {
    await using storage = sqliteStorage({ path });
    await storage.migrate();
    await storage.jobs.insert([[newJob(newest)]], newest);
    const lines: string[] = [];
    const note = (_: object, message: string) => void lines.push(message);
    await Engine.start({ storage, upkeep: 'manual', log: { ...silentLog, info: note, warn: note, error: note } });
    expect(lines).toContain('clock behind the store');
  }
  await using server = await startServer({ storage: `sqlite:${path}`, port: 0, log: false });
  const health = await call(server.url, '/health', undefined, { method: 'GET' });
  expect(health).toMatchObject({
    status: 200,
    body: { status: 'degraded', checks: { clock: { status: 'fail', reason: 'behind_store' } } },
  });
});

it('crons that a wrong clock had put off are reckoned anew at the start', async (storage) => {
  const ahead = await Engine.start({ storage, upkeep: 'manual', clock: manualClock(Date.now() + day) });
  await ahead.crons.register(hourly, async () => {});
  const engine = await Engine.start({ storage, upkeep: 'manual' });
  const { dueAt } = await engine.crons.get('hourly');
  expect((dueAt ?? 0) - Date.now()).toBeLessThanOrEqual(3_600_000);
});
