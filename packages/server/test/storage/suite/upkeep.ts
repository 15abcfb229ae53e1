import { State, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import {
  type Cases,
  claim,
  claimOf,
  claimOne,
  countErrors,
  eventLog,
  get,
  idOf,
  ids,
  insert,
  keepAll,
  move,
  newJob,
  queue,
  second,
  t0,
  to,
} from './tools.ts';

export const upkeepCases: Cases = {
  async 'promote moves due jobs, in the order of their times, and counts by queue (rows 4, 15)'(storage) {
    await insert(storage, [newJob(9)]);
    await claimOne(storage);
    await move(storage, to(idOf(9), State.retryable, State.active, { runAt: t0 + 15 }));
    await insert(storage, [
      newJob(1, { state: State.scheduled, runAt: t0 + 20 }),
      newJob(2, { state: State.scheduled, runAt: t0 + 10 }),
      newJob(3, { state: State.scheduled, runAt: t0 + 10, queue: 'b' }),
      newJob(4, { state: State.scheduled, runAt: t0 + 21 }),
    ]);
    expect(await storage.upkeep.promote(t0 + 9, 100)).toEqual([]);
    expect(await storage.upkeep.promote(t0 + 20, 100)).toEqual(
      expect.arrayContaining([
        { queue: 'default', count: 3 },
        { queue: 'b', count: 1 },
      ]),
    );
    expect(await get(storage, idOf(9))).toMatchObject({
      state: State.available,
      enqueuedAt: t0 + 20,
      attempt: 1,
      worker: 'w1',
    });
    expect(ids(await claim(storage, { limit: 9 }, t0 + 20))).toEqual([2, 9, 1].map(idOf));
  },
  async 'nextDue is the time of the first delayed, expiring or leased job'(storage) {
    expect(await storage.upkeep.nextDue()).toBeNull();
    await insert(storage, [newJob(1, { state: State.scheduled, runAt: t0 + 40 }), newJob(2, { expiresAt: t0 + 30 })]);
    expect(await storage.upkeep.nextDue()).toBe(t0 + 30);
    await insert(storage, [newJob(3, { queue: 'b' })]);
    const [leased] = await claim(storage, { queues: ['b'], leaseMs: 20 });
    expect(await storage.upkeep.nextDue()).toBe(t0 + 20);
    await move(storage, to(idOf(3), State.retryable, State.active, { claim: leased?.claim ?? 0, runAt: t0 + 10 }));
    expect(await storage.upkeep.nextDue()).toBe(t0 + 10);
    await storage.upkeep.promote(t0 + 10, 9);
    expect(await storage.upkeep.nextDue()).toBe(t0 + 30);
    await move(storage, to(idOf(2), State.discarded, State.available));
    expect(await storage.upkeep.nextDue()).toBe(t0 + 40);
    await storage.upkeep.promote(t0 + 40, 9);
    expect(await storage.upkeep.nextDue()).toBeNull();
  },
  async 'promote keeps to its limit'(storage) {
    await insert(
      storage,
      [1, 2, 3].map((number) => newJob(number, { state: State.scheduled, runAt: t0 + number })),
    );
    const counts = [];
    for (let call = 0; call < 3; call++) counts.push(await storage.upkeep.promote(t0 + 9, 2));
    expect(counts).toEqual([[{ queue: 'default', count: 2 }], [{ queue: 'default', count: 1 }], []]);
  },
  async 'promote discards what has expired meanwhile (row 17)'(storage) {
    await insert(storage, [newJob(1, { state: State.scheduled, runAt: t0 + 5, expiresAt: t0 + 7 })]);
    expect(await storage.upkeep.promote(t0 + 7, 9)).toEqual([]);
    expect((await get(storage, idOf(1))).state).toBe(State.discarded);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'overdue lists ended leases, ended timeouts and expired waiting jobs, longest overdue first, and changes nothing'(
    storage,
  ) {
    await insert(storage, [newJob(1), newJob(2, { timeoutMs: 100 }), newJob(3, { expiresAt: t0 + 50 })]);
    await insert(storage, [
      newJob(4, { state: State.scheduled, runAt: t0 + 9e9, expiresAt: t0 + 40 }),
      newJob(5, { state: State.pending, expiresAt: t0 + 60 }),
    ]);
    await claim(storage, { limit: 2, leaseMs: 200 });
    const overdue = async (now: number, limit = 9) => ids(await storage.upkeep.overdue(now, limit));
    expect(await overdue(t0 + 39)).toEqual([]);
    expect(await overdue(t0 + 100)).toEqual([4, 3, 5, 2].map(idOf));
    expect(await overdue(t0 + 199)).toEqual([4, 3, 5, 2].map(idOf));
    expect(await overdue(t0 + 200)).toEqual([4, 3, 5, 2, 1].map(idOf));
    expect(await overdue(t0 + 200, 2)).toEqual([4, 3].map(idOf));
    const [record] = await storage.upkeep.overdue(t0 + 100, 1);
    expect(record).toEqual(await get(storage, idOf(4)));
  },
  async 'an active job is overdue at the first of its ends: lease, execution, total time, silence after a heartbeat (X10)'(
    storage,
  ) {
    const soon = { timeoutMs: 500, heartbeatMs: 100 };
    await insert(storage, [
      newJob(1, soon),
      newJob(2, { ...soon, deadlineAt: t0 + 300 }),
      newJob(3, { deadlineAt: t0 + 60 }),
      newJob(4, soon),
    ]);
    await claim(storage, { limit: 4, leaseMs: 400 });
    const overdue = async (now: number) => ids(await storage.upkeep.overdue(t0 + now, 9));
    // Nobody has named it yet, so it cannot be silent.
    expect(await overdue(299)).toEqual([idOf(3)]);
    expect(await overdue(300)).toEqual([3, 2].map(idOf));
    await move(storage, to(idOf(1), State.active, State.active, { beat: true }), t0 + 200);
    const holds = [{ id: idOf(4), claim: 1 }];
    await storage.registry.beat([{ worker: 'w1', holds, leaseMs: null, state: 'running', info: '{}' }], t0 + 250);
    expect((await get(storage, idOf(4))).beatAt).toBe(t0 + 250);
    expect(await overdue(300)).toEqual([3, 1, 2].map(idOf));
    expect(await overdue(350)).toEqual([3, 1, 2, 4].map(idOf));
    await move(storage, to(idOf(1), State.active, State.active, { beat: true }), t0 + 450);
    expect(await overdue(499)).toEqual([3, 2, 4].map(idOf));
    expect(await overdue(500)).toEqual([3, 2, 4, 1].map(idOf));
  },
  async 'what has been decided is no longer overdue'(storage) {
    await insert(storage, [newJob(1), newJob(2, { expiresAt: t0 + 1 })]);
    await claimOne(storage, { leaseMs: 1 });
    await move(storage, to(idOf(1), State.available, State.active, { claim: 1 }), t0 + 5);
    await move(storage, to(idOf(2), State.discarded, Waiting), t0 + 5);
    expect(await storage.upkeep.overdue(t0 + 9e6, 9)).toEqual([]);
  },
  async 'held lists active jobs with a worker, page by page'(storage) {
    await insert(
      storage,
      [1, 2, 3, 4, 5].map((number) => newJob(number)),
    );
    await storage.jobs.claim(
      [claimOf({ limit: 2, worker: 'a' }), claimOf({ worker: null }), claimOf({ worker: 'b' })],
      t0 + 3,
    );
    const found = [];
    for (let after: string | null = null, more = true; more; ) {
      const page = await storage.upkeep.held(after, 2);
      found.push(...page.items);
      after = page.next;
      more = after !== null;
    }
    const at = { claim: 1, startedAt: t0 + 3 };
    expect(found).toEqual([
      { id: idOf(1), worker: 'a', ...at },
      { id: idOf(2), worker: 'a', ...at },
      { id: idOf(4), worker: 'b', ...at },
    ]);
  },
  async 'prune removes finished jobs that are too old, or too many, of that state only'(storage) {
    await insert(
      storage,
      [1, 2, 3, 4, 5, 6].map((number) => newJob(number)),
    );
    for (const number of [1, 2, 3, 4]) await move(storage, to(idOf(number), State.cancelled, Waiting), t0 + number);
    await move(storage, to(idOf(5), State.discarded, Waiting, { deadLetter: true }), t0 + 1);
    const prune = (before: number, keep: number, limit = 100) =>
      storage.upkeep.prune(
        { ...keepAll, jobs: [{ state: State.cancelled, deadLetter: false, before: t0 + before, keep }] },
        limit,
      );
    expect((await prune(1, 4)).jobs).toEqual([{ gone: 0, overCap: 0, surplus: 0, lastAt: null }]);
    expect((await prune(2, 4)).jobs).toEqual([{ gone: 1, overCap: 0, surplus: 0, lastAt: t0 + 1 }]);
    expect((await prune(0, 1, 1)).jobs).toEqual([{ gone: 1, overCap: 1, surplus: 1, lastAt: t0 + 2 }]);
    expect((await prune(0, 1)).jobs).toEqual([{ gone: 1, overCap: 1, surplus: 0, lastAt: t0 + 3 }]);
    expect(ids((await storage.jobs.list({ states: 0xff, limit: 9 })).items)).toEqual([6, 4, 5].map(idOf));
    // Those in the dead letter are counted and aged apart.
    await move(storage, to(idOf(6), State.discarded, Waiting), t0 + 9);
    const discarded = (deadLetter: boolean, before: number, keep: number) =>
      storage.upkeep.prune(
        { ...keepAll, jobs: [{ state: State.discarded, deadLetter, before: t0 + before, keep }] },
        9,
      );
    expect([await discarded(false, 9, 1), await discarded(true, 1, 1)]).toMatchObject([
      { jobs: [{ gone: 0 }] },
      { jobs: [{ gone: 0 }] },
    ]);
    expect([await discarded(false, 10, 1), await queue(storage)]).toMatchObject([
      { jobs: [{ gone: 1, overCap: 0 }] },
      { deadLetter: 1 },
    ]);
    await insert(storage, [newJob(6)]);
    expect(await discarded(true, 0, 0)).toMatchObject({ jobs: [{ gone: 1, overCap: 1 }] });
    expect(await queue(storage)).toMatchObject({
      deadLetter: 0,
      counts: { [State.cancelled]: 1, [State.available]: 1 },
    });
  },
  async 'prune removes whole batches of the log, requests and workers; positions go on'(storage) {
    await storage.jobs.insert([[newJob(1), newJob(2)]], t0);
    await storage.jobs.insert([[newJob(3)]], t0 + 10);
    await claim(storage, { request: 'r1' }, t0 + 20);
    await storage.registry.beat([{ worker: 'w1', holds: null, leaseMs: null, state: 'running', info: '{}' }], t0 + 20);
    expect(await storage.upkeep.prune({ ...keepAll, events: { before: 0, keep: 3 } }, 9)).toMatchObject({
      others: { events: 0 },
    });
    expect(await storage.upkeep.prune({ ...keepAll, events: { before: t0 + 10, keep: 9 } }, 9)).toMatchObject({
      others: { events: 1 },
    });
    expect(await storage.events(0, 9)).toMatchObject({ oldest: 3, newest: 4 });
    expect(
      await storage.upkeep.prune(
        { ...keepAll, events: { before: 0, keep: 0 }, requestsBefore: t0 + 21, workersBefore: t0 + 21 },
        9,
      ),
    ).toMatchObject({ others: { events: 2, requestsBefore: 1, workersBefore: 1, workflows: 0 } });
    expect(await storage.events(0, 9)).toEqual({ batches: [], oldest: 5, newest: 4, reached: 4 });
    expect(await storage.registry.workers()).toEqual([]);
    expect((await claim(storage, { request: 'r1' }, t0 + 30)).map(({ id }) => id)).toEqual([idOf(2)]);
    expect((await eventLog(storage)).map(({ position }) => position)).toEqual([5]);
  },
  async 'prune forgets the longest silent workers first'(storage) {
    const beat = (worker: string, now: number) =>
      storage.registry.beat([{ worker, holds: null, leaseMs: null, state: 'running', info: '{}' }], now);
    for (const [worker, at] of [
      ['b', 1],
      ['c', 3],
      ['a', 3],
      ['d', 2],
      ['b', 4],
    ] as const)
      await beat(worker, t0 + at);
    expect(await storage.upkeep.prune({ ...keepAll, workersBefore: t0 + 4 }, 2)).toMatchObject({
      others: { workersBefore: 2 },
    });
    expect((await storage.registry.workers()).map(({ worker }) => worker)).toEqual(['b', 'c']);
  },
  async 'a lease has one holder until it ends or is released'(storage) {
    const { lease, release } = storage.upkeep;
    expect(await lease('upkeep', 'a', 10 * second, t0)).toBe(true);
    expect(await lease('upkeep', 'b', 10 * second, t0 + 9999)).toBe(false);
    expect(await lease('other', 'b', 10 * second, t0)).toBe(true);
    expect(await lease('upkeep', 'a', 10 * second, t0 + 5 * second)).toBe(true);
    expect(await lease('upkeep', 'b', 10 * second, t0 + 14_999)).toBe(false);
    expect(await lease('upkeep', 'b', 10 * second, t0 + 15_000)).toBe(true);
    await release('upkeep', 'a');
    expect(await lease('upkeep', 'a', 10 * second, t0 + 15_000)).toBe(false);
    await release('upkeep', 'b');
    expect(await lease('upkeep', 'a', 10 * second, t0 + 15_000)).toBe(true);
    // Taken by a clock that was an hour ahead: nobody waits for that hour.
    expect(await lease('ahead', 'a', 10 * second, t0 + 3_600_000)).toBe(true);
    expect(await lease('ahead', 'b', 10 * second, t0)).toBe(true);
    expect(await lease('ahead', 'a', 10 * second, t0)).toBe(false);
  },
};
