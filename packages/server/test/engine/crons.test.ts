import { manualClock } from '@ojs-ts/core';
import { Crons, definitionOf } from '@ojs-ts/core/cron';
import { State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../core/test/support/test-with.ts';
import { Engine } from '../../src/engine/engine.ts';
import { readEvents } from '../../src/realtime/log/events.ts';
import { openStorage } from '../../src/storage/open.ts';
import { type Bench, bench } from '../support/engine.ts';
import { storages } from '../support/storages.ts';

const minute = 60_000;
const definition = (more: object = {}) =>
  JSON.stringify({ name: 'report', cron: '* * * * *', type: 'a.b', options: { queue: 'q' }, ...more });
const register = (b: Bench, more: object = {}) => b.engine.crons.register(definition(more), async () => {});

/** To the next whole minute, and what is due then. */
async function tick(b: Bench, minutes = 1): Promise<void> {
  b.clock.set((Math.floor(b.clock.now() / minute) + minutes) * minute);
  await b.engine.crons.fireDue();
}

const depth = async (b: Bench) =>
  (await b.engine.storage.registry.queues()).find(({ name }) => name === 'q')?.counts ?? {};

describe.each(storages)('crons, $name', ({ url }) => {
  const it = testWith(() => bench(url()));

  it('any number of servers fire a tick once', async (b) => {
    await register(b, { overlap_policy: 'allow' });
    b.clock.set((Math.floor(b.clock.now() / minute) + 1) * minute);
    await Promise.all(Array.from({ length: 8 }, () => b.engine.crons.fireDue()));
    expect(await depth(b)).toEqual({ [State.available]: 1 });
  });

  it('a tick that has fired does not fire again where the clock is behind that of the server that fired it', async (b) => {
    await register(b);
    await tick(b);
    const next = b.clock.now() + minute;
    const clock = manualClock(b.clock.now() - 900);
    await using behind = await Engine.start({ storage: b.engine.storage, clock, upkeep: 'manual' });
    await behind.crons.reckon();
    expect((await behind.crons.get('report')).dueAt).toBe(next);
    expect((await behind.crons.register(definition(), async () => {})).cron.dueAt).toBe(next);
    expect((await behind.crons.change('report', '{"description":"x"}', null, async () => {})).dueAt).toBe(next);
    await behind.crons.enable('report', false);
    expect((await behind.crons.enable('report', true)).dueAt).toBe(next);
  });

  it('a registration that reaches the store after a firing does not repeat its tick', async (b) => {
    const { storage } = b.engine;
    await register(b);
    const { jobs, records, registry } = storage;
    const { commit } = records;
    let isLate = true;
    const late: typeof commit = async (...args) => {
      if (isLate) {
        isLate = false;
        await tick(b);
      }
      return commit(...args);
    };
    const crons = new Crons({ jobs, registry, records: { ...records, commit: late } }, b.clock, {
      warn: () => {},
      error: () => {},
    });
    const { cron } = await crons.register(definition({ description: 'deployed again' }), async () => {});
    expect(cron).toMatchObject({ runCount: 1, dueAt: b.clock.now() + minute });
  });

  it('a registration keeps the run that is due, unless the schedule is another one', async (b) => {
    await register(b);
    b.clock.advance(90 * minute);
    await register(b, { description: 'deployed again' });
    await b.engine.crons.fireDue();
    expect(await depth(b)).toEqual({ [State.available]: 1 });
    b.clock.advance(90 * minute);
    const { cron } = await register(b, { cron: '@hourly' });
    expect(cron.dueAt).toBeGreaterThan(b.clock.now());
  });

  it('an interval that every start registers again runs when it is due (§4.1)', async (b) => {
    const first = (await register(b, { cron: '@every 4h' })).cron;
    for (const more of [{}, { description: 'deployed again' }, { options: { queue: 'q', priority: 1 } }]) {
      b.clock.advance(60 * minute);
      expect((await register(b, { cron: '@every 4h', ...more })).cron.dueAt).toBe(first.dueAt);
    }
    b.clock.advance(60 * minute);
    await b.engine.crons.fireDue();
    expect(await depth(b)).toEqual({ [State.available]: 1 });
    expect((await register(b, { cron: '@every 3h' })).cron.dueAt).toBe(b.clock.now() + 180 * minute);
  });

  it('an unchanged registration writes nothing', async (b) => {
    const { cron } = await register(b);
    b.clock.advance(minute / 2);
    expect(await register(b)).toEqual({ created: false, cron, warnings: [] });
    expect(await b.engine.crons.get('report')).toEqual(cron);
  });

  it('a pause by an operator survives registrations, and a resume enables what was registered as disabled', async (b) => {
    const { crons } = b.engine;
    await register(b);
    await crons.enable('report', false);
    const pausedAt = b.clock.now();
    b.clock.advance(minute);
    for (const more of [{}, { enabled: true }, { enabled: false }, { cron: '@hourly', enabled: true }]) {
      const { cron, warnings } = await register(b, more);
      expect(cron).toMatchObject({ enabled: false, dueAt: null });
      expect(definitionOf(cron.spec)).toMatchObject({ enabled: more.enabled ?? true, pausedAt });
      expect(warnings.join()).toContain('ojs cron resume report');
    }
    expect((await crons.enable('report', true)).dueAt).toBeGreaterThan(b.clock.now());
    expect((await register(b, { enabled: false })).cron).toMatchObject({ enabled: false, dueAt: null });
    expect((await crons.enable('report', true)).dueAt).toBeGreaterThan(b.clock.now());
  });

  it('a change of one member keeps the pause, the description, the overlap policy and the template', async (b) => {
    const { crons } = b.engine;
    await register(b, { overlap_policy: 'enqueue', description: 'weekly', meta: { team: 'a' } });
    await crons.enable('report', false);
    const before = definitionOf((await crons.get('report')).spec);
    const change = async (text: object) =>
      definitionOf((await crons.change('report', JSON.stringify(text), null, async () => {})).spec);
    expect(await change({ cron: '@daily' })).toEqual({ ...before, expression: '@daily' });
    const { enqueue, ...rest } = await change({ queue: 'other' });
    expect(rest).toMatchObject({ expression: '@daily', pausedAt: before.pausedAt });
    expect(JSON.parse(enqueue)).toEqual({ ...JSON.parse(before.enqueue), options: {}, queue: 'other' });
    expect((await crons.change('report', '{"description":""}', true, async () => {})).enabled).toBe(true);
    expect(definitionOf((await crons.get('report')).spec).description).toBeNull();
  });

  it('any number of registrations at once succeed', async (b) => {
    const all = await Promise.all(Array.from({ length: 20 }, () => register(b)));
    expect(all.filter(({ created }) => created)).toHaveLength(1);
  });

  it('a run that its own unique policy refuses is skipped, and counts as none', async (b) => {
    await register(b, { overlap_policy: 'allow', options: { queue: 'q', unique: { keys: ['type'] } } });
    await tick(b);
    await tick(b);
    expect(await depth(b)).toEqual({ [State.available]: 1 });
    expect(await b.engine.crons.get('report')).toMatchObject({ runCount: 1, dueAt: b.clock.now() + minute });
    const query = { after: null, types: ['cron.*'], queues: [], jobTypes: [], limit: 10 };
    const { events } = await readEvents(b.engine.storage, 'ojs://test', query);
    expect(events.map(({ type, data }) => [type, data.reason ?? null])).toEqual([
      ['cron.triggered', null],
      ['cron.skipped', 'duplicate'],
    ]);
  });
});

test('the upkeep of an engine fires by itself', async () => {
  const storage = await openStorage('memory:');
  const clock = manualClock();
  await using engine = await Engine.start({ storage, clock });
  await engine.crons.register(definition(), async () => {});
  clock.set(clock.now() + minute);
  await expect.poll(async () => (await storage.registry.queues())[0]?.counts[State.available]).toBe(1);
});
