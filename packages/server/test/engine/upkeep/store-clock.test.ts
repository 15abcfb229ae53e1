import { join } from 'node:path';
import { type ManualClock, manualClock, State } from '@ojs-ts/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Engine } from '../../../src/engine/engine.ts';
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

/** A store elsewhere, with a clock of its own. */
function elsewhere(storage: Storage, clock: () => Promise<number>): Storage {
  return { ...storage, traits: { ...storage.traits, inProcess: false }, clock };
}

test('follows a store elsewhere, by half of the way there and back, whatever the wall clock does', async () => {
  await using storage = await openStorage('memory:');
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

test('an answer that was long on its way moves it by no more than what it proves', async () => {
  await using storage = await openStorage('memory:');
  const machine = new Machine();
  let [there, back] = [1, 1];
  const clock = new StoreClock(
    elsewhere(storage, async () => {
      machine.pass(there);
      const store = machine.monotonic.now() + 300_000;
      machine.pass(back);
      return store;
    }),
    machine.clocks,
  );
  const error = () => clock.now() - machine.monotonic.now() - 300_000;
  await clock.follow();
  expect(error()).toBe(0);
  // The way to the store was dead for 8 s, as a call may be before it is given up.
  const slow: readonly (readonly [number, number])[] = [
    [8_000, 0],
    [0, 8_000],
  ];
  for ([there, back] of slow) {
    machine.pass(10_000);
    await clock.follow();
    expect(error()).toBe(0);
  }
});

test('a step of the clock of a store elsewhere is followed once it has held for a minute', async () => {
  await using storage = await openStorage('memory:');
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

test('after a sleep of this machine the time of a store elsewhere holds at once', async () => {
  await using storage = await openStorage('memory:');
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
      await engine.push(items([job]));
      const state = async () => {
        await engine.upkeep.run();
        return (await engine.get(job.id))?.state;
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

test('a clock behind the newest time of the store is reported at the start, in log and health', async () => {
  const path = join(temporaryDirectory(), 'jobs.db');
  const newest = Date.now() + day;
  {
    await using storage = sqliteStorage({ path });
    await storage.migrate();
    await storage.jobs.insert([[newJob(newest)]], newest);
    const lines: string[] = [];
    const note = (_: object, message: string) => void lines.push(message);
    await Engine.start({ storage, upkeep: 'manual', log: { info: note, warn: note, error: note } });
    expect(lines).toContain('clock behind the store');
  }
  await using server = await startServer({ storage: `sqlite:${path}`, port: 0, log: false });
  const health = await call(server.url, '/health', undefined, { method: 'GET' });
  expect(health).toMatchObject({
    status: 200,
    body: { status: 'degraded', checks: { clock: { status: 'fail', reason: 'behind_store' } } },
  });
});

test('crons that a wrong clock had put off are reckoned anew at the start', async () => {
  await using storage = await openStorage('memory:');
  const ahead = await Engine.start({ storage, upkeep: 'manual', clock: manualClock(Date.now() + day) });
  await ahead.crons.register(hourly, async () => {});
  const engine = await Engine.start({ storage, upkeep: 'manual' });
  const { dueAt } = await engine.crons.get('hourly');
  expect((dueAt ?? 0) - Date.now()).toBeLessThanOrEqual(3_600_000);
});
