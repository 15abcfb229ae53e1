import { setTimeout as pause } from 'node:timers/promises';
import { State } from '@ojs-ts/core';
import { describe, expect, test, vi } from 'vitest';
import { Engine } from '../../../src/engine/engine.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { items, newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

/** An engine with timers, and how often it has looked for due jobs. */
async function open(url: string, events = true) {
  const storage = await openStorage(url, { events });
  const promote = vi.spyOn(storage.upkeep, 'promote');
  const nextDue = vi.spyOn(storage.upkeep, 'nextDue');
  const engine = await Engine.start({ storage, events });
  return { storage, engine, promote, nextDue };
}

describe.each(storages)('looks for due jobs, $name', ({ url }) => {
  test('one a second while nothing happens, and the next at the time of a delayed job', async () => {
    const { engine, storage, promote, nextDue } = await open(url());
    await using _ = engine;
    await pause(500);
    const before = promote.mock.calls.length;
    nextDue.mockClear();
    await pause(2_000);
    expect(promote.mock.calls.length).toBe(before);
    expect(nextDue.mock.calls.length).toBeLessThan(4);

    const now = engine.clock.now();
    const job = newJob(now, { state: State.scheduled, runAt: now + 500 });
    await engine.push(items([job]));
    const isAvailable = async () => (await storage.jobs.get([job.id]))[0]?.state === State.available;
    await expect.poll(isAvailable, { interval: 10, timeout: 5_000 }).toBe(true);
    const late = ((await storage.jobs.get([job.id]))[0]?.enqueuedAt ?? 0) - job.runAt;
    expect(late).toBeGreaterThanOrEqual(0);
    // The promise is 200 ms; the machine of a test may be busy.
    expect(late).toBeLessThan(800);
  });

  test('one a second in maintenance mode, although a job is due', async () => {
    const { engine, storage, promote, nextDue } = await open(url());
    await using _ = engine;
    await engine.maintenance.begin({ reason: null, estimatedMs: null });
    const overdue = vi.spyOn(storage.upkeep, 'overdue');
    await engine.push(items([newJob(engine.clock.now(), { state: State.scheduled, runAt: engine.clock.now() })]));
    await pause(500);
    overdue.mockClear();
    nextDue.mockClear();
    promote.mockClear();
    await pause(2_000);
    expect(promote).not.toHaveBeenCalled();
    expect(overdue.mock.calls.length).toBeGreaterThan(0);
    expect(overdue.mock.calls.length + nextDue.mock.calls.length).toBeLessThan(5);
  });
});

test('a store without a log gives no hint, so the looks go on', async () => {
  const { engine, promote } = await open('memory:', false);
  await using _ = engine;
  await expect.poll(() => promote.mock.calls.length).toBeGreaterThan(5);
});
