import { type NewJob, type NewUnique, recordOf, State, Terminal, Waiting } from '@ojs-ts/core/job';
import { cancelled, completed } from '@ojs-ts/core/lifecycle';
import { expect } from 'vitest';
import type { Inserted, Storage } from '../../../src/storage/storage.ts';
import {
  type Cases,
  claim,
  claimOne,
  countErrors,
  eventLog,
  get,
  idOf,
  insert,
  inserted,
  insertGroup,
  insertOne,
  move,
  newJob,
  newNode,
  newWorkflow,
  queue,
  t0,
  to,
  uniqueOf,
} from './tools.ts';

const unfinished = Waiting | State.active;
const holder = (number: number, patch: Partial<NewUnique> = {}, job: Partial<NewJob> = {}) =>
  newJob(number, { unique: uniqueOf(patch), ...job });
const replacing = (number: number, patch: Partial<NewUnique> = {}) =>
  holder(number, { onConflict: 'replace', ...patch });

async function duplicateOf(storage: Storage, number: number): Promise<Inserted> {
  return { kind: 'duplicate', by: 'unique', existing: await get(storage, idOf(number)) };
}

export const uniqueCases: Cases = {
  async 'keep refuses while a job has the key in one of the states, whatever that job itself asked for (ojs-unique-jobs §4)'(
    storage,
  ) {
    await insert(storage, [holder(1, { states: State.completed })]);
    expect(await insertOne(storage, holder(2))).toEqual(await duplicateOf(storage, 1));
    expect(await insertOne(storage, holder(3, { key: 'other' }))).toEqual(inserted);
    expect(await insertOne(storage, holder(4, { states: State.scheduled }))).toEqual(inserted);
    expect(await insertOne(storage, newJob(5))).toEqual(inserted);
    expect(await storage.jobs.get([idOf(2)])).toEqual([null]);
    await claim(storage, { limit: 9 });
    expect(await insertOne(storage, holder(6))).toEqual(await duplicateOf(storage, 1));
  },
  async 'a key is free again when its holder leaves the states: no lock remains'(storage) {
    await insert(storage, [holder(1)]);
    await claimOne(storage);
    await move(storage, to(idOf(1), State.completed, State.active), t0 + 1);
    expect(await insertOne(storage, holder(2))).toEqual(inserted);
    await storage.jobs.remove([idOf(2)], { from: Waiting }, t0 + 1);
    expect(await insertOne(storage, holder(3))).toEqual(inserted);
    // And taken again where one comes back.
    await move(storage, to(idOf(3), State.discarded, State.available), t0 + 2);
    await move(storage, to(idOf(3), State.available, State.discarded), t0 + 3);
    expect(await insertOne(storage, holder(4))).toEqual(await duplicateOf(storage, 3));
  },
  async 'a job that an ACK has completed holds its key where the policy counts completed jobs, for as long as its period'(
    storage,
  ) {
    const states = unfinished | State.completed;
    const member = (index: number) =>
      holder(index, { key: `member ${index}`, states }, { node: { workflow: 'w', index } });
    const nodes = [0, 1, 2].map((index) => newNode(index, { next: [3] }));
    const group = newWorkflow({ kind: 'group', total: 3 });
    await storage.workflows.create(group, [...nodes, newNode(3, { open: 3, member: false })], [], t0);
    await storage.workflows.advance(
      [0, 1, 2].map((index) => ({ kind: 'start', node: { workflow: 'w', index }, job: member(index), events: [] })),
      t0,
    );
    await insert(storage, [holder(4, { key: 'alone', states }), holder(5, { key: 'among', states })]);
    const jobs = await claim(storage, { limit: 9 }, t0 + 1);
    const ack = (...numbers: number[]) =>
      storage.jobs.transition(
        jobs
          .filter(({ id }) => numbers.map(idOf).includes(id))
          .map(({ id, claim }) => completed({ id, claim, worker: 'w1', result: '1' })),
        t0 + 2,
      );
    const acked = [...(await ack(4)), ...(await ack(0)), ...(await ack(1, 5))];
    expect(acked.map(({ kind }) => kind)).toEqual(['moved', 'moved', 'moved', 'moved']);
    for (const [number, key] of [
      [4, 'alone'],
      [0, 'member 0'],
      [1, 'member 1'],
      [5, 'among'],
    ] as const) {
      const later = (createdAfter: number) =>
        insertOne(storage, holder(10 + number, { key, states, createdAfter }), t0 + 3);
      expect(await later(t0 - 1), key).toEqual(await duplicateOf(storage, number));
      expect(await later(t0), key).toEqual(inserted);
    }
  },
  async 'only jobs created after the start of the period count'(storage) {
    const all = (number: number, createdAt: number, createdAfter: number) =>
      newJob(number, { createdAt, unique: uniqueOf({ states: 0xff, createdAfter }) });
    await insert(storage, [all(1, t0, t0 - 100)]);
    expect(await insertOne(storage, all(2, t0 + 100, t0))).toEqual(inserted);
    expect(await insertOne(storage, all(3, t0 + 199, t0 + 99))).toEqual(await duplicateOf(storage, 2));
    expect(await insertOne(storage, all(3, t0 + 200, t0 + 100))).toEqual(inserted);
  },
  async 'of several holders an unfinished one is named before a finished one, then the oldest'(storage) {
    const later = (number: number, createdAt: number) => newJob(number, { createdAt, unique: uniqueOf({ states: 0 }) });
    await insert(storage, [later(1, t0 + 3), later(2, t0 + 1), later(3, t0 + 2), later(4, t0 + 2)]);
    const named = async (createdAfter: number | null = null) => {
      const answer = await insertOne(storage, holder(9, { states: 0xff, createdAfter }));
      return answer.kind === 'duplicate' ? answer.existing.id : answer.kind;
    };
    expect(await named()).toBe(idOf(2));
    await move(storage, to(idOf(2), State.cancelled, Waiting), t0 + 5);
    expect(await named()).toBe(idOf(3));
    for (const number of [4, 1, 3]) await move(storage, to(idOf(number), State.cancelled, Waiting), t0 + 5);
    expect(await named()).toBe(idOf(2));
    expect(await named(t0 + 1)).toBe(idOf(3));
    await storage.jobs.remove([idOf(2)], { from: Terminal }, t0 + 5);
    await move(storage, to(idOf(4), State.discarded, State.cancelled), t0 + 6);
    expect(await named()).toBe(idOf(3));
    expect(await named(t0 + 2)).toBe(idOf(1));
    expect(await named(t0 + 3)).toBe('inserted');
  },
  async 'the id is checked before the key: a repeated call is no duplicate of itself and replaces nothing'(storage) {
    await insert(storage, [replacing(1)]);
    await insert(storage, [replacing(2)]);
    expect(await insertOne(storage, replacing(1))).toEqual({ kind: 'already', job: await get(storage, idOf(1)) });
    expect(await insertOne(storage, replacing(2))).toEqual({ kind: 'already', job: await get(storage, idOf(2)) });
    expect(await get(storage, idOf(2))).toMatchObject({ state: State.available });
    await insert(storage, [holder(5, { key: 'x' })]);
    expect(await insertOne(storage, holder(5, { key: 'x' }))).toMatchObject({ kind: 'already' });
  },
  async 'replace cancels every unfinished holder, an active one too, and lets finished ones be; then it inserts'(
    storage,
  ) {
    const free = { states: 0 };
    await insert(storage, [
      holder(1, free),
      holder(2, free),
      newJob(3, { state: State.pending, unique: uniqueOf(free) }),
      holder(4, free),
    ]);
    await claim(storage, { limit: 2 });
    await move(storage, to(idOf(2), State.completed, State.active), t0 + 1);
    const before = await get(storage, idOf(1));
    expect(await insertOne(storage, replacing(5, { states: 0xff }), t0 + 2)).toEqual({
      kind: 'inserted',
      replaced: [1, 3, 4].map(idOf),
    });
    const { history = '' } = cancelled(before, t0 + 2);
    expect(await get(storage, idOf(1))).toEqual({
      ...before,
      state: State.cancelled,
      history,
      finishedAt: t0 + 2,
      leaseMs: null,
      leaseUntil: null,
    });
    expect((await get(storage, idOf(2))).state).toBe(State.completed);
    const log = (await eventLog(storage)).slice(-4);
    expect(log.map(({ kind, id, entry }) => [kind, id, entry[4]])).toEqual([
      ['job.cancelled', idOf(1), State.active],
      ['job.cancelled', idOf(3), State.pending],
      ['job.cancelled', idOf(4), State.available],
      ['job.enqueued', idOf(5), null],
    ]);
    expect((await queue(storage))?.counts).toEqual({
      [State.available]: 1,
      [State.completed]: 1,
      [State.cancelled]: 3,
    });
    expect((await move(storage, to(idOf(1), State.completed, State.active, { claim: 1 }))).kind).toBe('refused');
  },
  async 'replace depends on the states and the period too'(storage) {
    await insert(storage, [holder(1, { states: 0 })]);
    expect(await insertOne(storage, replacing(2, { states: State.scheduled }))).toEqual(inserted);
    expect(await insertOne(storage, replacing(3, { createdAfter: t0 }))).toEqual(inserted);
    expect((await queue(storage))?.counts).toEqual({ [State.available]: 3 });
  },
  async 'replace_unscheduled refuses while a scheduled job has the key, and replaces otherwise'(storage) {
    const careful = (number: number, states = unfinished) =>
      holder(number, { onConflict: 'replace_unscheduled', states });
    const later = (number: number) =>
      newJob(number, { state: State.scheduled, runAt: t0 + 9, unique: uniqueOf({ states: 0 }) });
    await insert(storage, [holder(1, { states: 0 }), later(2), later(3)]);
    expect(await insertOne(storage, careful(4))).toEqual(await duplicateOf(storage, 2));
    expect((await queue(storage))?.counts).toEqual({ [State.available]: 1, [State.scheduled]: 2 });
    expect(await insertOne(storage, careful(5, State.available))).toEqual({ kind: 'inserted', replaced: [idOf(1)] });
    await storage.upkeep.promote(t0 + 9, 9);
    expect(await insertOne(storage, careful(6))).toEqual({ kind: 'inserted', replaced: [2, 3, 5].map(idOf) });
  },
  async 'jobs of a group see each other: the second of a key is a duplicate of the first as it would have been'(
    storage,
  ) {
    const first = holder(1);
    expect(await insertGroup(storage, [first, newJob(2), holder(3)])).toEqual([
      { kind: 'aborted' },
      { kind: 'aborted' },
      { kind: 'duplicate', by: 'unique', existing: recordOf(first) },
    ]);
    expect((await storage.jobs.list({ states: 0xff, limit: 9 })).items).toEqual([]);
    const answers = await storage.jobs.insert([[first], [holder(3)], [holder(4, { key: 'x' })]], t0);
    expect(answers.map(([answer]) => answer?.kind)).toEqual(['inserted', 'duplicate', 'inserted']);
  },
  async 'jobs that one call inserted are replaced in the order of the call, whatever their states and however many are before them'(
    storage,
  ) {
    for (const before of [0, 1, 2, 3]) {
      const first = 10 * before + 1;
      const free = { key: `k${before}`, states: 0 };
      const groups = [
        ...Array.from({ length: before }, (_, n) => newJob(first + 5 + n)),
        holder(first, free),
        newJob(first + 1, { state: State.scheduled, runAt: t0 + 1_000, unique: uniqueOf(free) }),
        replacing(first + 2, { key: free.key }),
      ];
      const answers = await storage.jobs.insert(
        groups.map((job) => [job]),
        t0,
      );
      expect(answers.at(-1)).toEqual([{ kind: 'inserted', replaced: [first, first + 1].map(idOf) }]);
    }
  },
  async 'under replace the earlier job of a group ends cancelled'(storage) {
    await insert(storage, [holder(1)]);
    expect(await insertGroup(storage, [replacing(2), replacing(3), newJob(4)])).toEqual([
      { kind: 'inserted', replaced: [idOf(1)] },
      { kind: 'inserted', replaced: [idOf(2)] },
      inserted,
    ]);
    expect((await storage.jobs.get([1, 2, 3].map(idOf))).map((job) => job?.state)).toEqual([
      State.cancelled,
      State.cancelled,
      State.available,
    ]);
    expect((await eventLog(storage, 1)).map(({ kind, id }) => [kind, id])).toEqual([
      ['job.cancelled', idOf(1)],
      ['job.enqueued', idOf(2)],
      ['job.cancelled', idOf(2)],
      ['job.enqueued', idOf(3)],
      ['job.enqueued', idOf(4)],
    ]);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a group of thousands with one key reads each job once, whether its jobs replace each other or count cancelled ones'(
    storage,
  ) {
    const count = 2_000;
    const states = unfinished | Terminal;
    const other = (number: number) => holder(number, { states: State.completed });
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    for (let at = 0; at < count; at += 500) await insert(storage, numbers.slice(at, at + 500).map(other));
    // All of them go with the first; each of the others replaces the one before it.
    const group = numbers.map((number) => replacing(count + number, { states, createdAfter: t0 - 1 }));
    const before = process.threadCpuUsage();
    const [first, ...others] = await insertGroup(storage, group, t0 + 1);
    const { user, system } = process.threadCpuUsage(before);
    // 4 s and more where each job looks at all before it; on Redis, whose work is not in this process, the call fails
    // then.
    expect(user + system).toBeLessThan(3_000_000);
    expect(first).toEqual({ kind: 'inserted', replaced: numbers.map(idOf) });
    expect(others).toEqual(
      numbers.slice(1).map((number) => ({ kind: 'inserted', replaced: [idOf(count + number - 1)] })),
    );
    expect((await get(storage, idOf(2 * count))).state).toBe(State.available);
    const refused = await insertGroup(
      storage,
      numbers.map((number) => holder(2 * count + number, { states: State.cancelled })),
      t0 + 2,
    );
    expect(refused.every((answer) => answer.kind === 'duplicate' && answer.existing.id === idOf(1))).toBe(true);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a refused group replaces nothing, and its answers show unchanged jobs'(storage) {
    await insert(storage, [holder(1)]);
    const before = await get(storage, idOf(1));
    expect(
      await insertGroup(storage, [replacing(2), newJob(1, { envelope: '{}' }), holder(3, { states: State.cancelled })]),
    ).toEqual([
      { kind: 'aborted' },
      { kind: 'duplicate', by: 'id', existing: before },
      { kind: 'duplicate', by: 'unique', existing: before },
    ]);
    expect(await get(storage, idOf(1))).toEqual(before);
    expect(await eventLog(storage, 1)).toEqual([]);
  },
  async 'a replaced job closes its node, and unfinished finds the nodes that this makes ready'(storage) {
    const job = newJob(0, { node: { workflow: 'w', index: 0 }, unique: uniqueOf() });
    await storage.workflows.create(
      newWorkflow({ total: 2 }),
      [newNode(0, { next: [1] }), newNode(1, { open: 1 })],
      [],
      t0,
    );
    await storage.workflows.advance([{ kind: 'start', node: { workflow: 'w', index: 0 }, job, events: [] }], t0);
    await insert(storage, [replacing(7)], t0 + 1);
    expect(await storage.workflows.node([{ workflow: 'w', index: 0 }])).toMatchObject([
      { state: 'cancelled', closedAt: t0 + 1 },
    ]);
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [{ workflow: 'w', index: 1 }], sweeping: [] });
    expect((await eventLog(storage)).map(({ kind }) => kind)).toEqual([
      'job.enqueued',
      'job.cancelled',
      'workflow.step_failed',
      'job.enqueued',
    ]);
  },
};
