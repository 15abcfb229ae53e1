import { formatTimestamp, uuidv7 } from '@ojs-ts/core';
import { State, type Transition } from '@ojs-ts/core/job';
import { describe, expect, test, vi } from 'vitest';
import { diagnose } from '../../../src/engine/diagnosis.ts';
import { silentLog } from '../../../src/engine/options.ts';
import { HistoryRetention } from '../../../src/engine/upkeep/history-retention.ts';
import { RetentionPasses } from '../../../src/engine/upkeep/retention.ts';
import type { PruneRules } from '../../../src/storage/prune.ts';
import { type Bench, bench, items, newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

/** Jobs that were cancelled at once. */
async function ended(b: Bench, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 500) {
    const jobs = Array.from({ length: Math.min(500, left) }, () => newJob(b.clock.now()));
    await b.engine.jobs.push(items(jobs));
    const cancelled = jobs.map(
      ({ id }): Transition => ({ id, from: State.available, to: State.cancelled, claim: 0, events: [] }),
    );
    await b.engine.storage.jobs.transition(cancelled, b.clock.now());
  }
}

function passesOf({ engine, clock }: Bench): RetentionPasses {
  const audit = engine.audit.entries;
  const { storage, removals, retentionBacklog, totals } = engine;
  const { retention } = engine.settings;
  const histories = new HistoryRetention(storage, clock, engine.history, retention);
  return new RetentionPasses({
    storage,
    audit,
    clock,
    retention,
    removals,
    backlog: retentionBacklog,
    histories,
    totals,
  });
}

/** Work takes `ms` of the time by which a pass ends. */
function worksFor(ms: number, b: Bench) {
  let now = 1_000_000;
  const stopped = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const prune = b.engine.storage.upkeep.prune.bind(b.engine.storage.upkeep);
  const asked: PruneRules[] = [];
  b.engine.storage.upkeep.prune = (rules, limit) => {
    now += ms;
    asked.push(rules);
    return prune(rules, limit);
  };
  return {
    asked,
    wait: (pause: number) => {
      now += pause;
    },
    [Symbol.dispose]: () => stopped.mockRestore(),
  };
}

describe.each(storages)('retention follows the load, $name', ({ url }) => {
  test('a pass that leaves a backlog pauses by the share of the store, the next asks only for what is behind', async () => {
    await using b = await bench(url(), { retention: { keep: 10 } });
    const size = b.engine.storage.traits.inProcess ? 200 : b.engine.storage.traits.maxBatch;
    await ended(b, 6 * size + 10);
    const passes = passesOf(b);
    using work = worksFor(100, b);
    // Three pages of 100 ms fill the 250 ms of a pass.
    const pause = b.engine.storage.traits.name === 'postgres' ? 75 : 600;
    expect(await passes.pass(() => false)).toBe(pause);
    work.wait(pause);
    expect(await passes.pass(() => false)).toBe(pause);
    expect(work.asked.map((rules) => Object.keys(rules).length)).toEqual([7, 1, 1, 1, 1, 1]);
    work.wait(pause);
    // Nothing is left, but the kind was busy; after a pass without much of it every kind is looked at again.
    expect([await passes.pass(() => false), await passes.pass(() => false)]).toEqual([5_000, 5_000]);
    expect((await b.engine.storage.registry.queues())[0]?.counts[State.cancelled]).toBe(10);
  });

  test('a kind that is busy without being behind gets a pass each second, and every kind one each 5 s', async () => {
    await using b = await bench(url(), { retention: { keep: 0 } });
    const size = b.engine.storage.traits.inProcess ? 200 : b.engine.storage.traits.maxBatch;
    const passes = passesOf(b);
    using work = worksFor(1, b);
    const pauses: number[] = [];
    for (let round = 0; round < 6; round++) {
      await ended(b, size + 1);
      const pause = await passes.pass(() => false);
      pauses.push(pause);
      work.wait(pause);
    }
    expect(pauses).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(work.asked.filter(({ events }) => events !== undefined)).toHaveLength(2);
  });

  test('the audit log is looked at once a minute, and again while there is more than a page to delete', async () => {
    await using b = await bench(url(), { retention: { keepAudit: 1 } });
    const { traits } = b.engine.storage;
    const audit = b.engine.audit.entries;
    const append = (count: number) =>
      audit.append(Array.from({ length: count }, () => ({ id: uuidv7(b.clock), entry: '{}' })));
    const passes = passesOf(b);
    using work = worksFor(1, b);
    const prune = vi.spyOn(audit, 'prune');
    const looks = async (): Promise<number> => {
      prune.mockClear();
      work.wait(await passes.pass(() => false));
      return prune.mock.calls.length;
    };
    await append(2);
    const seen: number[] = [];
    for (let round = 0; round < 14; round++) seen.push(await looks());
    expect(seen).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(await audit.read({ limit: 9 })).toHaveLength(1);
    await append(2 * (traits.inProcess ? 200 : traits.maxBatch));
    for (let round = 14; round < 24; round++) expect(await looks()).toBe(0);
    expect(await looks()).toBe(3);
    expect(await audit.read({ limit: 9 })).toHaveLength(1);
  });

  test('a backlog that lasts for a minute is a finding, a metric and a line of the log, until a pass catches up', async () => {
    const lines: object[] = [];
    const log = {
      ...silentLog,
      warn: (fields: object, message: string) => void (message === 'retention is behind' && lines.push(fields)),
    };
    await using b = await bench(url(), { log, retention: { keep: 0 } });
    const size = b.engine.storage.traits.inProcess ? 200 : b.engine.storage.traits.maxBatch;
    const since = b.clock.now();
    const passes = passesOf(b);
    const findings = async () => (await diagnose(b.engine)).filter(({ code }) => code === 'late_retention');
    const behind = async () => {
      using _ = worksFor(300, b);
      await ended(b, 2 * size);
      await passes.look(() => false);
    };
    await behind();
    b.clock.advance(59_000);
    await behind();
    expect([lines, await findings()]).toEqual([[], []]);
    b.clock.advance(1_000);
    await behind();
    const fields = { kinds: ['cancelled'], jobs: 3 * size, lateMs: 0 };
    expect(lines).toEqual([{ since: formatTimestamp(since), ...fields }]);
    expect(await findings()).toMatchObject([{ message: expect.stringContaining(`${3 * size} finished jobs`) }]);
    expect(await b.engine.storeReadings.latest()).toMatchObject({ backlog: { since, ...fields } });
    b.clock.advance(2_000);
    while (await passes.look(() => false));
    expect([lines.length, await findings()]).toEqual([1, []]);
    expect(await b.engine.storeReadings.latest()).toMatchObject({ backlog: null });
  });
});
