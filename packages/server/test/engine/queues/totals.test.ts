import { State } from '@ojs-ts/core/job';
import { noSums } from '@ojs-ts/core/statistics';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Total, Totals } from '../../../src/engine/queues/totals.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { type Bench, bench, newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

const minute = 60_000;

async function complete({ engine, clock, push, fetch }: Bench, type = 'a.b', waitMs = 1_000): Promise<void> {
  await push({ type });
  clock.advance(waitMs);
  const [job] = await fetch();
  clock.advance(100);
  await engine.protocol.settle({ kind: 'ack', id: job?.id ?? '', claim: null, worker: null, result: null });
}

/** As a node that has read nothing yet. */
function read({ engine, clock }: Bench): Promise<readonly Total[]> {
  return new Totals(engine.storage, clock).read();
}

const done = { ...noSums, enqueued: 1, started: 1, completed: 1, waitMs: 1_000, durationMs: 100 };

describe.each(storages)('totals on $name', ({ url }) => {
  test('have what happened at once, and keep it when its minute is pruned', async () => {
    await using on = await bench(url(), { retention: { statisticsMs: minute } });
    const { engine, clock } = on;
    await complete(on);
    await complete(on, 'c.d');
    const before = await read(on);
    expect(before).toMatchObject([
      { queue: 'q', type: 'a.b', ...done },
      { queue: 'q', type: 'c.d', ...done },
    ]);
    expect(Object.values(before[0]?.histogram ?? {})).toEqual([1, 1]);
    clock.advance(30 * minute);
    await engine.upkeep.prune();
    expect(await engine.storage.registry.statistics(0)).toEqual([]);
    expect(await read(on)).toEqual(before);
    await complete(on);
    expect(await read(on)).toMatchObject([{ completed: 2 }, { completed: 1 }]);
  });

  test('minutes that are not folded are not pruned', async () => {
    await using on = await bench(url(), { retention: { statisticsMs: 0 } });
    const { engine, clock } = on;
    await complete(on);
    await engine.upkeep.prune();
    clock.advance(minute);
    await engine.upkeep.prune();
    expect(await engine.storage.registry.statistics(0)).toHaveLength(1);
  });

  test('two nodes that fold at once add nothing twice', async () => {
    await using on = await bench(url());
    const { engine, clock } = on;
    const nodes = [new Totals(engine.storage, clock), new Totals(engine.storage, clock)];
    for (let round = 1; round <= 3; round++) {
      await complete(on);
      clock.advance(7 * minute);
      await Promise.all(nodes.map((node) => node.fold()));
      for (const node of nodes) expect(await node.read()).toMatchObject([{ completed: round }]);
      expect(await read(on)).toMatchObject([{ completed: round }]);
    }
  });

  test('go into a dump', async () => {
    await using on = await bench(url(), { retention: { statisticsMs: minute } });
    const { engine, clock } = on;
    await complete(on);
    clock.advance(30 * minute);
    await engine.upkeep.prune();
    await complete(on);
    await using other = await openStorage('memory:');
    await other.migrate();
    await other.backup.restore(engine.storage.backup.dump());
    expect(await new Totals(other, clock).read()).toEqual(await read(on));
  });

  test('count at most 500 types by name, and a type that has a name keeps it', async () => {
    await using on = await bench(url());
    const { engine, clock } = on;
    const enqueue = (types: readonly number[]) =>
      engine.storage.jobs.insert(
        types.map((n) => [newJob(clock.now(), { type: `t${n}`, state: State.available })]),
        clock.now(),
      );
    const byName = async () => new Map((await read(on)).map(({ type, enqueued }) => [type, enqueued]));
    await enqueue(Array.from({ length: 300 }, (_, n) => n));
    clock.advance(7 * minute);
    await engine.upkeep.prune();
    await enqueue(Array.from({ length: 300 }, (_, n) => n + 299));
    clock.advance(7 * minute);
    const before = await byName();
    expect(before.size).toBe(501);
    expect([before.get('t299'), before.get('other')]).toEqual([2, 99]);
    await engine.upkeep.prune();
    expect(await byName()).toEqual(before);
  });
});

test('what a slower clock writes into a minute that was read before is there once the minute is folded', async () => {
  await using on = await bench('memory:');
  const { engine, clock } = on;
  const late = clock.now();
  await complete(on);
  clock.advance(4 * minute);
  expect(await engine.totals.read()).toMatchObject([{ enqueued: 1 }]);
  await engine.storage.jobs.insert([[newJob(late, { type: 'a.b' })]], late);
  clock.advance(minute);
  await complete(on);
  expect((await engine.totals.read())[0]?.enqueued).toBeGreaterThanOrEqual(2);
  clock.advance(7 * minute);
  await engine.totals.fold();
  expect(await engine.totals.read()).toMatchObject([{ enqueued: 3, completed: 2 }]);
});

test('several readers in a second share an answer; a later one sees what is new', async () => {
  await using on = await bench('memory:');
  const { engine, clock } = on;
  expect(await engine.totals.read()).toEqual([]);
  await complete(on, 'a.b', 0);
  expect(await engine.totals.read()).toEqual([]);
  clock.advance(900);
  expect(await engine.totals.read()).toMatchObject([{ completed: 1 }]);
});

test('whatever is folded, pruned and read by whichever node, nothing is lost or counted twice', async () => {
  const step = fc.oneof(
    fc.constant('complete' as const),
    fc.constantFrom(30_000, minute, 6 * minute, 90 * minute),
    fc.record({ node: fc.nat({ max: 2 }), act: fc.constantFrom('fold' as const, 'read' as const, 'restart' as const) }),
    fc.constant('prune' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await using on = await bench('memory:', { retention: { statisticsMs: minute } });
      const { engine, clock } = on;
      const nodes = [0, 1, 2].map(() => new Totals(engine.storage, clock));
      let completed = 0;
      for (const one of steps) {
        if (one === 'complete') {
          await complete(on);
          completed += 1;
        } else if (one === 'prune') await engine.upkeep.prune();
        else if (typeof one === 'number') clock.advance(one);
        else if (one.act === 'restart') nodes[one.node] = new Totals(engine.storage, clock);
        else if (one.act === 'fold') await nodes[one.node]?.fold();
        else {
          // The answer of a second is shared.
          clock.advance(1_000);
          const totals = (await nodes[one.node]?.read()) ?? [];
          expect(totals.reduce((sum, total) => sum + total.completed, 0)).toBe(completed);
        }
      }
    }),
  );
});

test('have at most 4,000 rows and one, however many queues there are', async () => {
  await using on = await bench('memory:');
  const { engine, clock } = on;
  const jobs = Array.from({ length: 4_500 }, (_, n) => [newJob(clock.now(), { queue: `q${n}` })]);
  await engine.storage.jobs.insert(jobs, clock.now());
  const before = await read(on);
  expect(before).toHaveLength(4_001);
  expect(before.find(({ queue }) => queue === 'other')).toMatchObject({ type: 'other', enqueued: 500 });
  clock.advance(7 * minute);
  await engine.upkeep.prune();
  expect(await read(on)).toEqual(before);
});
