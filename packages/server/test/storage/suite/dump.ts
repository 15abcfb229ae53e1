import { fileURLToPath } from 'node:url';
import { uuidFrom } from '@ojs-ts/core';
import { Failed, State, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { readBackup } from '../../../src/backup.ts';
import { AuditLog } from '../../../src/engine/access/audit-log.ts';
import { Documents } from '../../../src/engine/documents.ts';
import { memoryStorage } from '../../../src/storage/memory/memory.ts';
import type { DumpRecord, Storage } from '../../../src/storage/storage.ts';
import { cronsOf } from '../crons-of.ts';
import {
  allLimits,
  type Cases,
  claim,
  claimOf,
  countErrors,
  eventLog,
  get,
  idOf,
  ids,
  insert,
  insertOne,
  keepAll,
  limitOf,
  move,
  newJob,
  newNode,
  newWorkflow,
  second,
  t0,
  to,
  uniqueOf,
} from './tools.ts';

export async function recordsOf({ backup }: Storage): Promise<readonly DumpRecord[]> {
  const records: DumpRecord[] = [];
  for await (const page of backup.dump()) records.push(...page);
  return records;
}

/** As a file would carry them: as JSON, in small pages. */
export async function* pagesThroughJson(records: readonly DumpRecord[]): AsyncIterable<readonly DumpRecord[]> {
  for (let at = 0; at < records.length; at += 3) {
    const page: readonly DumpRecord[] = JSON.parse(JSON.stringify(records.slice(at, at + 3)));
    yield page;
  }
}

/**
 * The same store in the memory of this process, and what this process has put in it back in the storage after it was
 * emptied.
 */
export async function thereAndBack(storage: Storage): Promise<Storage> {
  const copy = memoryStorage();
  await copy.backup.restore(pagesThroughJson(await recordsOf(storage)));
  await storage.clear();
  await storage.backup.restore(pagesThroughJson(await recordsOf(copy)));
  return copy;
}

/** Jobs in every state, with limits, unique keys, a workflow, a cron, a document, a worker and a request. */
export async function fill(storage: Storage): Promise<void> {
  const { registry, workflows, records, jobs } = storage;
  const documents = new Documents(records);
  const envelope = '{"args":[1.0,12345678901234567890,"\\u0000 \u2028 \ud83d\ude00"],"meta":{"b":1,"a":1e3}}';
  await insert(storage, [
    newJob(1, {
      envelope,
      trace: 'trace',
      policy: '{"totalTimeoutMs":5}',
      heartbeatMs: 7,
      visibilityMs: 9,
      deadlineAt: t0 + 1e9,
    }),
    newJob(2, { priority: 5, unique: uniqueOf({ key: 'u' }) }),
    newJob(3, { state: State.scheduled, runAt: t0 + 50, expiresAt: t0 + 60 }),
    newJob(4, { state: State.pending }),
    ...[5, 6, 7, 8].map((number) =>
      newJob(number, { queue: 'limited', limits: [limitOf('k', { concurrency: 1 }), limitOf('r')] }),
    ),
    newJob(9, { queue: 'limited', limits: [limitOf('r', { rates: [{ count: 2, perMs: 100 }] })] }),
    ...[10, 11, 12, 13, 14].map((number) => newJob(number, { queue: 'mixed' })),
    newJob(15, { queue: 'mixed', cron: 'nightly' }),
    newJob(17, { queue: 'limited', state: State.pending, limits: [limitOf('idle')] }),
  ]);
  await claim(storage, { queues: ['limited'], request: 'r1', worker: 'w1' });
  await claim(storage, { queues: ['mixed'], limit: 5 });
  await jobs.transition(
    [
      to(idOf(10), State.completed, State.active, { result: '{"n":1.0}' }),
      to(idOf(11), State.discarded, State.active, {
        deadLetter: true,
        checkpoint: '{"c":1}',
        history: '{"kind":"cancelled"}',
      }),
      to(idOf(12), State.discarded, State.active),
      to(idOf(13), State.retryable, State.active, { runAt: t0 + 70, progress: '{"p":1}' }),
      // Back in its queue, behind those that came later.
      to(idOf(14), State.available, State.active, { attempt: 0, clearRun: true }),
      to(idOf(4), State.cancelled, State.pending),
    ],
    t0 + 5,
  );
  await insert(storage, [newJob(16, { queue: 'mixed' })], t0 + 6);
  await move(storage, to(idOf(15), State.available, Waiting), t0 + 7);
  await registry.pauseQueue('paused', true, t0);
  await registry.configureQueue(
    'mixed',
    { capacity: 50, config: '{"x":1.0}', limit: { concurrency: 4, rates: [] } },
    t0,
  );
  await registry.overrideLimit('k', { concurrency: 2, rates: [{ count: 3, perMs: 40 }] }, t0 + 8);
  await registry.beat(
    [{ worker: 'w1', holds: [{ id: idOf(5), claim: 1 }], leaseMs: null, state: 'running', info: '{"pid":1.0}' }],
    t0 + 9,
  );
  await registry.direct('w1', 'quiet');
  await workflows.create(
    newWorkflow({ total: 3 }),
    [newNode(20, { next: [22] }), newNode(21, { next: [22] }), newNode(22, { open: 2, member: false, job: null })],
    ['["workflow.started","w",null,"",null,null,0,null,null,null,{}]'],
    t0,
  );
  const node = { workflow: 'w', index: 20 };
  await workflows.advance([{ kind: 'start', node, job: newJob(20, { queue: 'flow', node }), events: [] }], t0 + 1);
  await cronsOf(storage).put(
    { name: 'nightly', spec: '{"expression":"0 0 * * *"}', enabled: true, dueAt: t0 + 99 },
    t0,
  );
  await documents.put('schema', 'a', '{"v":1.0}', null, t0);
  await documents.put('schema', 'a', '{"v":2.0}', 1, t0 + 1);
  await new AuditLog(records).append(
    [0, 1].map((number) => ({ id: uuidFrom(t0, number, 0), entry: `{"n":${number}.0}` })),
  );
}

async function told(storage: Storage): Promise<object> {
  const { jobs, registry, workflows, records, upkeep } = storage;
  return {
    jobs: (await jobs.list({ states: 0xff, limit: 1000 })).items,
    errors: await jobs.errors({ states: Failed, limit: 9 }),
    dead: (await jobs.list({ states: State.discarded, deadLetter: true, limit: 1000 })).items,
    queues: await registry.queues(),
    limits: await allLimits(storage),
    statistics: await registry.statistics(0),
    workers: await registry.workers(),
    workflows: (await workflows.list({ states: null, limit: 100 })).items,
    nodes: await workflows.nodes('w', -1, 100),
    unfinished: await workflows.unfinished(100),
    crons: await cronsOf(storage).list(),
    runs: await jobs.runs(['nightly'], 9),
    documents: await records.scan('schema', { limit: 9 }),
    audit: await new AuditLog(records).read({ limit: 9 }),
    overdue: await upkeep.overdue(t0 + 1e10, 100),
    held: (await upkeep.held(null, 100)).items,
    events: await storage.events(0, 1_000_000),
    seed: await storage.seed(),
    leaseKey: await storage.leaseKey(),
  };
}

export const dumpCases: Cases = {
  async 'a dump of a restored dump is the same, byte for byte'(storage) {
    await fill(storage);
    const before = await told(storage);
    await using copy = await thereAndBack(storage);
    expect(await told(copy)).toEqual(before);
    expect(await told(storage)).toEqual(before);
    expect(await countErrors(storage)).toEqual([]);
    expect(await countErrors(copy)).toEqual([]);
  },
  async 'a backup of version 3 restores the store that it was made of'(storage) {
    await using source = memoryStorage();
    await fill(source);
    const { pages } = await readBackup(fileURLToPath(new URL('backup-3.ndjson', import.meta.url)));
    await storage.backup.restore(pages());
    const own = { seed: 59971, leaseKey: '0ca7a785d1923bf0e8e060ae7cef3de4' };
    expect(await told(storage)).toEqual({ ...(await told(source)), ...own });
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a restored store serves jobs in the same order, under the same limits, and repeats the answer to a request'(
    storage,
  ) {
    await fill(storage);
    await using copy = await thereAndBack(storage);
    const held = await claim(storage, { queues: ['limited'], request: 'r1', worker: 'w1', limit: 9 }, t0 + 10);
    expect(ids(held)).toEqual([idOf(5)]);
    // One slot of k is taken, and one of the two starts of r in 100 ms.
    const patch = { queues: ['default', 'mixed', 'limited', 'flow'], limit: 99, worker: 'w2' };
    const [mine, theirs] = await Promise.all([storage, copy].map((one) => one.jobs.claim([claimOf(patch)], t0 + 11)));
    expect(mine).toEqual(theirs);
    expect(ids(mine?.[0]?.jobs ?? [])).toEqual([2, 1, 14, 16, 15, 6, 20].map(idOf));
    expect(mine?.[0]?.again).toBe(t0 + 100);
    const later = await Promise.all([storage, copy].map((one) => one.jobs.claim([claimOf(patch)], t0 + 100)));
    expect(later[0]).toEqual(later[1]);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'unique keys, fences, nodes and positions of a restored store go on where they were'(storage) {
    await fill(storage);
    const { newest } = await storage.events(0, 1);
    await using _copy = await thereAndBack(storage);
    const twin = newJob(99, { unique: uniqueOf({ key: 'u' }) });
    expect(await insertOne(storage, twin)).toMatchObject({
      kind: 'duplicate',
      by: 'unique',
      existing: { id: idOf(2) },
    });
    expect((await move(storage, to(idOf(5), State.completed, State.active, { claim: 7 }))).kind).toBe('refused');
    expect(
      (await move(storage, to(idOf(5), State.completed, State.active, { claim: 1, worker: 'w1' }), t0 + second)).kind,
    ).toBe('moved');
    await claim(storage, { queues: ['flow'] }, t0 + second);
    expect(await move(storage, to(idOf(20), State.completed, State.active), t0 + second)).toEqual({
      kind: 'moved',
      was: State.active,
      ready: [],
    });
    expect(await storage.workflows.get('w')).toMatchObject({ state: 'running', completed: 1 });
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [{ workflow: 'w', index: 21 }], sweeping: [] });
    await insert(storage, [newJob(100)], t0 + second);
    expect((await get(storage, idOf(100))).state).toBe(State.available);
    const added = await eventLog(storage, newest);
    expect(added.map(({ position }) => position)).toEqual(added.map((_, index) => newest + 1 + index));
    expect(
      await cronsOf(storage).put({ name: 'nightly', spec: '{}', enabled: true, dueAt: null }, t0, t0),
    ).toMatchObject({
      created: false,
    });
    expect(await new Documents(storage.records).put('schema', 'a', '{}', 2, t0)).toMatchObject({ version: 3 });
    expect(await storage.registry.configureQueue('mixed', {}, t0, 1)).toMatchObject({ version: 2 });
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'new jobs and events follow those of the dump, whatever its numbers'(storage) {
    await fill(storage);
    const far = 3_000_000_000;
    const records = (await recordsOf(storage)).map((one): DumpRecord => {
      if (one.kind === 'workflow') return { ...one, record: { ...one.record, number: one.record.number + 1e6 } };
      if (one.kind !== 'job') return one;
      const { number, place } = one.record;
      return { ...one, record: { ...one.record, number: number + far, place: place === null ? null : place + far } };
    });
    await storage.clear();
    await storage.backup.restore(pagesThroughJson(records));
    await insert(storage, [newJob(98, { priority: 5 }), newJob(99)], t0);
    await storage.workflows.create(newWorkflow({ id: 'later' }), [newNode(0)], [], t0);
    const { items } = await storage.jobs.list({ states: 0xff, queue: 'default', limit: 2 });
    expect(ids(items)).toEqual([99, 98].map(idOf));
    expect((await storage.workflows.list({ states: null, limit: 9 })).items.map(({ id }) => id)).toEqual([
      'later',
      'w',
    ]);
    expect(ids(await claim(storage, { limit: 9 }, t0))).toEqual([2, 98, 1, 99].map(idOf));
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a limit stays while a job of the dump names it, and is removed with the last one'(storage) {
    await fill(storage);
    await using _copy = await thereAndBack(storage);
    const keys = async () => (await allLimits(storage)).map(({ key }) => key);
    await storage.upkeep.prune({ ...keepAll, limitsBefore: t0 + second }, 100);
    expect(await keys()).toEqual(['idle', 'k', 'queue:mixed', 'r']);
    expect(await storage.jobs.remove([idOf(17)], { from: State.pending }, t0)).toEqual([true]);
    await storage.upkeep.prune({ ...keepAll, limitsBefore: t0 + second }, 100);
    expect(await keys()).toEqual(['k', 'queue:mixed', 'r']);
  },
  async 'a dump of an empty store is empty; a restore refuses a used store and does not change it'(storage) {
    const records = await recordsOf(storage);
    expect(records).toEqual([
      {
        kind: 'store',
        record: { seed: await storage.seed(), leaseKey: await storage.leaseKey(), position: 0, lastStart: 0 },
      },
    ]);
    await storage.backup.restore(pagesThroughJson(records));
    await insert(storage, [newJob(1)]);
    await expect(storage.backup.restore(pagesThroughJson(records))).rejects.toThrow(/not empty/);
    expect((await get(storage, idOf(1))).state).toBe(State.available);
  },
  async 'a restore that breaks off leaves the store empty'(storage) {
    await fill(storage);
    const records = await recordsOf(storage);
    await storage.clear();
    async function* broken() {
      yield* pagesThroughJson(records);
      throw new Error('The file is cut off.');
    }
    await expect(storage.backup.restore(broken())).rejects.toThrow('The file is cut off.');
    expect((await storage.jobs.list({ states: 0xff, limit: 9 })).items).toEqual([]);
    expect(await storage.registry.queues()).toEqual([]);
    await storage.backup.restore(pagesThroughJson(records));
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a dump of a store in use has each job once'(storage) {
    const jobs = Array.from({ length: 350 }, (_, number) => newJob(number + 1));
    await storage.jobs.insert([jobs], t0);
    const found: string[] = [];
    for await (const page of storage.backup.dump()) {
      found.push(...page.flatMap((one) => (one.kind === 'job' ? [one.record.job.id] : [])));
      const taken = await claim(storage, { limit: 50 });
      await storage.jobs.transition(
        taken.map(({ id }) => to(id, State.completed, State.active)),
        t0,
      );
    }
    expect(found.filter((id) => jobs.some((job) => job.id === id)).sort()).toEqual(ids(jobs).toSorted());
  },
  async 'a dump of a store in use is consistent: each node that waits for a job has an unfinished one, counts match the nodes'(
    storage,
  ) {
    const { workflows, jobs } = storage;
    const flows = Array.from({ length: 40 }, (_, index) => ({ id: `w${index}`, first: 2 * index }));
    const start = (workflow: string, index: number, number: number) => {
      const node = { workflow, index };
      return workflows.advance([{ kind: 'start', node, job: newJob(number, { node }), events: [] }], t0);
    };
    for (const { id, first } of flows) {
      const nodes = [newNode(0, { job: idOf(first), next: [1] }), newNode(1, { job: idOf(first + 1), open: 1 })];
      await workflows.create(newWorkflow({ id, total: 2 }), nodes, [], t0);
      await start(id, 0, first);
    }
    const goOn = async () => {
      const taken = await claim(storage, { limit: 9 });
      await jobs.transition(
        taken.map(({ id }) => to(id, State.completed, State.active)),
        t0,
      );
      for (const { workflow, index } of (await workflows.unfinished(9)).ready) {
        await start(workflow, index, 1 + (flows.find(({ id }) => id === workflow)?.first ?? 0));
      }
    };
    const records: DumpRecord[] = [];
    for await (const page of storage.backup.dump()) {
      records.push(...page);
      await goOn();
    }
    await using copy = memoryStorage();
    await copy.backup.restore(pagesThroughJson(records));
    expect(await countErrors(copy)).toEqual([]);
    const { items } = await copy.workflows.list({ states: null, limit: 100 });
    expect(items).toHaveLength(flows.length);
    for (const { id, completed } of items) {
      const nodes = await copy.workflows.nodes(id, -1, 9);
      expect(nodes.filter(({ state }) => state === 'completed')).toHaveLength(completed);
      const waited = nodes.filter(({ state }) => state === 'pending').map(({ job }) => job ?? '');
      for (const job of await copy.jobs.get(waited)) expect(job?.finishedAt, `the job that ${id} waits for`).toBeNull();
    }
  },
  async 'a closed storage is neither dumped nor restored'(storage) {
    await storage[Symbol.asyncDispose]();
    await expect(recordsOf(storage)).rejects.toThrow(/closed/);
    await expect(storage.backup.restore(pagesThroughJson([]))).rejects.toThrow(/closed/);
  },
  async 'layout shows the steps of migrate, and none afterwards'(storage) {
    const { to } = await storage.migrate();
    expect(await storage.layout()).toEqual({ from: to, to, steps: [] });
  },
};
