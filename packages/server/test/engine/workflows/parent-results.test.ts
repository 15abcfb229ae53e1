import { type JobRecord, renderJob, State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { memoryLimits } from '../../../src/engine/memory-limits.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { pagesThroughJson, recordsOf } from '../../storage/suite/dump.ts';
import { keepAll } from '../../storage/suite/tools.ts';
import { type Bench, bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

const step = (type: string) => ({ type, args: [], options: { queue: 'q' } });
const group = (...types: string[]) => ({ type: 'group', jobs: types.map(step) });
const hour = 3_600_000;

async function create({ engine }: Bench, steps: readonly object[], id = newId()): Promise<string> {
  await engine.workflows.create(engine.workflows.read(JSON.stringify({ id, type: 'chain', steps }), newId));
  return id;
}

/** Runs what waits; the result of each job is its type, or what `resultOf` says. */
async function runAll(b: Bench, count: number, resultOf = ({ type }: JobRecord) => `"${type}"`): Promise<void> {
  const jobs = await b.fetch({ count });
  expect(jobs).toHaveLength(count);
  for (const job of jobs) await ack(b, job, resultOf(job));
}

async function ack({ engine }: Bench, { id, claim }: JobRecord, result: string): Promise<void> {
  expect(await engine.protocol.settle({ kind: 'ack', id, claim, worker: null, result })).toMatchObject({
    kind: 'completed',
  });
}

const parentsOf = (job: JobRecord | undefined) => JSON.parse(job === undefined ? '{}' : renderJob(job)).parent_results;

/** The storage, with a count of the nodes that were read. */
function counted(storage: Storage): { readonly storage: Storage; readonly read: { nodes: number; calls: number } } {
  const read = { nodes: 0, calls: 0 };
  const workflows: Storage['workflows'] = {
    ...storage.workflows,
    node(refs) {
      read.nodes += refs.length;
      read.calls += 1;
      return storage.workflows.node(refs);
    },
  };
  const get = (target: Storage, name: string | symbol) =>
    name === 'workflows' ? workflows : Reflect.get(target, name, target);
  return { storage: new Proxy(storage, { get }), read };
}

describe.each(storages)('the results of earlier steps, $name', ({ url }) => {
  test('are stored once, and handed out, shown and listed as the worker and the operator expect', async () => {
    await using b = await bench(url());
    await create(b, [group('a.a', 'a.b'), group('b.a', 'b.b'), group('c.a', 'c.b')]);
    await runAll(b, 2, () => '"first stage"');
    await runAll(b, 2, () => '"second stage"');
    const fetched = await b.fetch({ count: 2 });
    const all = [
      ['first stage', 'first stage'],
      ['second stage', 'second stage'],
    ];
    expect(fetched.map(parentsOf)).toEqual([all, all]);
    const [job] = await b.engine.storage.jobs.get([fetched[0]?.id ?? '']);
    expect(job?.envelope).not.toContain('stage');
    expect(parentsOf(await b.engine.parents.of(job as JobRecord))).toEqual(all);
    // A list has many jobs, and each would repeat the results.
    expect(renderJob(job as JobRecord)).not.toContain('parent_results');
  });

  test('are read once for all siblings, and one more for the next step of a chain', async () => {
    const { storage, read } = counted(await openStorage(url()));
    await using b = await bench('', { storage });
    await create(b, [step('a.a'), step('a.b'), group('b.a', 'b.b', 'b.c', 'b.d'), step('c.a')]);
    await runAll(b, 1);
    await runAll(b, 1);
    Object.assign(read, { nodes: 0, calls: 0 });
    expect((await b.fetch({ count: 2 })).map(parentsOf)).toEqual([
      ['a.a', 'a.b'],
      ['a.a', 'a.b'],
    ]);
    expect(read).toEqual({ nodes: 1, calls: 1 });
    expect((await b.fetch({ count: 2 })).map(parentsOf)).toHaveLength(2);
    expect(read).toEqual({ nodes: 1, calls: 1 });
  });

  test('take their place in memory once, though two fetches read them at once', async () => {
    const { storage, read } = counted(await openStorage(url()));
    const memory = { ...memoryLimits(1_073_741_824), answer: 1_048_576 };
    await using b = await bench('', { storage, memory });
    await create(b, [step('a.a'), group('b.a', 'b.b', 'b.c')]);
    await runAll(b, 1, () => JSON.stringify('x'.repeat(600_000)));
    Object.assign(read, { nodes: 0, calls: 0 });
    await Promise.all([b.fetch({ count: 1 }), b.fetch({ count: 1 })]);
    expect(read.nodes).toBe(2);
    await b.fetch({ count: 1 });
    expect(read.nodes).toBe(2);
  });

  test('are the same for another server, for a repeated fetch, and in a store that was restored', async () => {
    const storage = await openStorage(url());
    await using b = await bench('', { storage });
    await create(b, [step('a.a'), group('b.a', 'b.b'), step('c.a')]);
    await runAll(b, 1);
    await runAll(b, 2);
    await using copy = await openStorage('memory:');
    await copy.backup.restore(pagesThroughJson(await recordsOf(storage)));
    const expected = ['a.a', ['b.a', 'b.b']];
    const request = newId();
    const [job] = await b.fetch({ request });
    expect(parentsOf(job)).toEqual(expected);
    await using other = await bench('', { storage, clock: b.clock });
    expect(parentsOf((await other.fetch({ request }))[0])).toEqual(expected);
    await using restored = await bench('', { storage: copy, clock: b.clock });
    expect(parentsOf((await restored.fetch())[0])).toEqual(expected);
  });

  test('that do not fit one answer wait for the next fetch: their jobs go back, and the attempt does not count', async () => {
    const memory = { ...memoryLimits(1_073_741_824), answer: 1_048_576 };
    await using b = await bench(url(), { memory });
    await create(b, [step('a.a'), group('b.a', 'b.b', 'b.c')]);
    await runAll(b, 1, () => JSON.stringify('x'.repeat(600_000)));
    const ids = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const jobs = await b.fetch({ count: 3 });
      expect(jobs.map((job) => [parentsOf(job)[0].length, job.attempt])).toEqual([[600_000, 1]]);
      for (const { id } of jobs) ids.add(id);
    }
    expect(ids.size).toBe(3);
    expect(await b.fetch({ count: 3 })).toEqual([]);
  });

  test('outlive the end of their workflow while a job of it runs, and are gone with it', async () => {
    await using b = await bench(url());
    const id = await create(b, [step('a.a'), step('a.b'), step('a.c')]);
    await runAll(b, 1);
    const [second] = await b.fetch();
    await b.engine.workflows.cancel(id);
    const { storage, clock } = b.engine;
    const rules = { ...keepAll, workflows: { before: clock.now() + hour, keep: 0 } };
    const { others: kept } = await storage.upkeep.prune(rules, 9);
    expect(kept.workflows).toBe(0);
    // The job goes back, and another worker gets it with the results.
    await b.engine.protocol.giveBack(second === undefined ? [] : [second]);
    const [again] = await b.fetch();
    expect(parentsOf(again)).toEqual(['a.a']);
    await ack(b, again as JobRecord, '2');
    const { others: gone } = await storage.upkeep.prune(rules, 9);
    expect(gone.workflows).toBe(1);
    const job = await b.get(again?.id ?? '');
    expect([job.state, parentsOf(await b.engine.parents.of(job))]).toEqual([State.completed, ['a.a']]);
    await using other = await bench('', { storage, clock: b.clock });
    expect(parentsOf(await other.engine.parents.of(job))).toBeUndefined();
  });

  test('of a former workflow are never those of a new one with its id', async () => {
    await using b = await bench(url());
    const id = newId();
    for (const result of ['"old"', '"new"']) {
      await create(b, [step('a.a'), step('a.b')], id);
      await runAll(b, 1, () => result);
      const [job] = await b.fetch();
      expect(parentsOf(job)).toEqual([JSON.parse(result)]);
      await ack(b, job as JobRecord, '1');
      const rules = { ...keepAll, workflows: { before: b.clock.now() + hour, keep: 0 } };
      expect((await b.engine.storage.upkeep.prune(rules, 9)).others.workflows).toBe(1);
      b.clock.set(b.clock.now() + 1);
    }
  });
});
