import { setTimeout as pause } from 'node:timers/promises';
import { State } from '@ojs-ts/core/job';
import { describe, test } from 'vitest';
import { Engine } from '../../../src/engine/engine.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { items, newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

/**
 * An engine with timers, and how often it has looked for due jobs. No spies of Vitest: the end of one test clears those
 * of the tests beside it.
 */
async function open(url: string, events = true) {
  const storage = await openStorage(url, { events });
  const { upkeep } = storage;
  const [promote, nextDue, overdue] = [
    upkeep.promote.bind(upkeep),
    upkeep.nextDue.bind(upkeep),
    upkeep.overdue.bind(upkeep),
  ];
  const looks = { promote: 0, nextDue: 0, overdue: 0 };
  upkeep.promote = (...args) => {
    looks.promote += 1;
    return promote(...args);
  };
  upkeep.nextDue = () => {
    looks.nextDue += 1;
    return nextDue();
  };
  upkeep.overdue = (...args) => {
    looks.overdue += 1;
    return overdue(...args);
  };
  const engine = await Engine.start({ storage, events });
  return { storage, engine, looks };
}

describe.concurrent.each(storages)('looks for due jobs, $name', ({ url }) => {
  test('one a second while nothing happens, and the next at the time of a delayed job', async ({ expect }) => {
    const { engine, storage, looks } = await open(url());
    await using _ = engine;
    await pause(500);
    const before = { ...looks };
    await pause(2_000);
    expect(looks.promote).toBe(before.promote);
    expect(looks.nextDue - before.nextDue).toBeLessThan(4);

    const lateness = async () => {
      const now = engine.clock.now();
      const job = newJob(now, { state: State.scheduled, runAt: now + 500 });
      await engine.jobs.push(items([job]));
      const isAvailable = async () => (await storage.jobs.get([job.id]))[0]?.state === State.available;
      await expect.poll(isAvailable, { interval: 10 }).toBe(true);
      return ((await storage.jobs.get([job.id]))[0]?.enqueuedAt ?? 0) - job.runAt;
    };
    // The promise is 200 ms; the machine of a test may be busy, though not each time. With a look a second, each job but
    // the first would be 500 ms late.
    let least = Number.POSITIVE_INFINITY;
    for (let job = 0; job < 5 && least > 400; job++) {
      const late = await lateness();
      expect(late).toBeGreaterThanOrEqual(0);
      least = Math.min(least, late);
    }
    expect(least).toBeLessThanOrEqual(400);
  });

  test('one a second in maintenance mode, although a job is due', async ({ expect }) => {
    const { engine, looks } = await open(url());
    await using _ = engine;
    await engine.maintenance.begin({ reason: null, estimatedMs: null });
    await engine.jobs.push(items([newJob(engine.clock.now(), { state: State.scheduled, runAt: engine.clock.now() })]));
    await pause(500);
    const before = { ...looks };
    await pause(2_000);
    expect(looks.promote).toBe(before.promote);
    expect(looks.overdue).toBeGreaterThan(before.overdue);
    expect(looks.overdue + looks.nextDue - before.overdue - before.nextDue).toBeLessThan(5);
  });
});

test.concurrent('a store without a log gives no hint, so the looks go on', async ({ expect }) => {
  const { engine, looks } = await open('memory:', false);
  await using _ = engine;
  await expect.poll(() => looks.promote).toBeGreaterThan(5);
});
