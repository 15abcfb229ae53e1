import { type NewJob, State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import type { Claim } from '../../../src/storage/storage.ts';
import {
  type Cases,
  claim,
  claimOf,
  claimOne,
  countErrors,
  get,
  idOf,
  ids,
  insert,
  limitOf,
  move,
  newJob,
  queue,
  second,
  t0,
  to,
} from './tools.ts';

export const claimCases: Cases = {
  async 'a claim starts an execution: attempt and fence rise, worker and lease are noted (row 6, X12)'(storage) {
    await insert(storage, [newJob(1)]);
    const job = await claimOne(storage, { worker: 'w7' }, t0 + 50);
    expect(job).toMatchObject({
      state: State.active,
      attempt: 1,
      claim: 1,
      worker: 'w7',
      startedAt: t0 + 50,
      leaseMs: 30 * second,
      leaseUntil: t0 + 50 + 30 * second,
    });
    expect(await get(storage, job.id)).toEqual(job);
  },
  async 'the lease lasts as the request says, else the job, else the default (§10.4)'(storage) {
    await insert(storage, [newJob(1, { visibilityMs: 7000 }), newJob(2, { visibilityMs: 7000 }), newJob(3)]);
    const leases = [];
    for (const leaseMs of [null, 5000, null]) leases.push((await claimOne(storage, { leaseMs })).leaseMs);
    expect(leases).toEqual([7000, 5000, 30_000]);
  },
  async 'with its first start a job waits for its first start no longer: only the later expiry counts (ojs-timeouts §5.3)'(
    storage,
  ) {
    await insert(storage, [
      newJob(1, { expiresAt: t0 + 10, laterExpiresAt: t0 + 30 }),
      newJob(2, { expiresAt: t0 + 10, laterExpiresAt: null }),
    ]);
    expect((await claim(storage, { limit: 2 })).map(({ expiresAt }) => expiresAt)).toEqual([t0 + 30, null]);
    for (const number of [1, 2]) await move(storage, to(idOf(number), State.available, State.active), t0 + 5);
    expect(ids(await storage.upkeep.overdue(t0 + 30, 9))).toEqual([idOf(1)]);
    expect(ids(await claim(storage, { limit: 2 }, t0 + 29))).toEqual([1, 2].map(idOf));
    for (const number of [1, 2]) await move(storage, to(idOf(number), State.available, State.active), t0 + 29);
    expect(ids(await claim(storage, { limit: 2 }, t0 + 30))).toEqual([idOf(2)]);
  },
  async 'higher priority first, then first in, first out, not by id (§2.2)'(storage) {
    await insert(storage, [
      newJob(5),
      newJob(4, { priority: 10 }),
      newJob(3),
      newJob(2, { priority: 10 }),
      newJob(1, { priority: -10 }),
    ]);
    expect(ids(await claim(storage, { limit: 9 }))).toEqual([4, 2, 5, 3, 1].map(idOf));
  },
  async 'queues are served strictly from left to right, unknown ones are empty (§2.2, §17)'(storage) {
    await insert(storage, [
      newJob(1, { queue: 'a' }),
      newJob(2, { queue: 'b', priority: 99 }),
      newJob(3, { queue: 'a' }),
    ]);
    expect(ids(await claim(storage, { queues: ['nowhere', 'a', 'b'], limit: 9 }))).toEqual([1, 3, 2].map(idOf));
    expect(await queue(storage, 'nowhere')).toBeUndefined();
  },
  async 'claims of one call are served in order and share nothing'(storage) {
    await insert(storage, [newJob(1), newJob(2), newJob(3)]);
    const answers = await storage.jobs.claim(
      [
        claimOf({ limit: 2, worker: 'a' }),
        claimOf({ limit: 0 }),
        claimOf({ limit: 2, worker: 'b' }),
        claimOf({ limit: 2 }),
      ],
      t0,
    );
    expect(answers.map(({ jobs }) => ids(jobs))).toEqual([[idOf(1), idOf(2)], [], [idOf(3)], []]);
    expect(answers.map(({ jobs: [job] }) => job?.worker)).toEqual(['a', undefined, 'b', undefined]);
  },
  async 'a paused queue is skipped, a resumed one continues in order'(storage) {
    await insert(storage, [newJob(1, { queue: 'a' }), newJob(2, { queue: 'b' })]);
    await storage.registry.pauseQueue('a', true, t0);
    expect(ids(await claim(storage, { queues: ['a', 'b'], limit: 9 }))).toEqual([idOf(2)]);
    await storage.registry.pauseQueue('a', false, t0);
    expect(ids(await claim(storage, { queues: ['a', 'b'], limit: 9 }))).toEqual([idOf(1)]);
  },
  async 'a repeated request gets the jobs that it still holds, and no others'(storage) {
    await insert(
      storage,
      [1, 2, 3, 4].map((number) => newJob(number)),
    );
    const first = await claim(storage, { request: 'r1', limit: 3 });
    await move(storage, to(idOf(1), State.completed, State.active));
    // Lost and taken again: another claim, so no longer the first request's.
    await move(storage, to(idOf(2), State.available, State.active, { priority: 50 }));
    await claimOne(storage, { worker: 'w2' });
    expect(await claim(storage, { request: 'r1', limit: 3 })).toEqual([first[2]]);
    expect((await get(storage, idOf(4))).state).toBe(State.available);
    await move(storage, to(idOf(3), State.completed, State.active));
    expect(await claim(storage, { request: 'r1', limit: 3 })).toEqual([]);
    expect((await get(storage, idOf(4))).state).toBe(State.available);
  },
  async 'the claims of a request are known while it is, whoever holds their jobs now'(storage) {
    await insert(
      storage,
      [1, 2, 3].map((number) => newJob(number)),
    );
    const taken = await claim(storage, { request: 'r1', limit: 2 });
    await claim(storage, { request: 'r1', limit: 2, worker: null });
    await move(storage, to(idOf(1), State.completed, State.active));
    const fetches = [
      { worker: 'w1', request: 'r1' },
      { worker: 'w2', request: 'r1' },
      { worker: null, request: 'r1' },
    ];
    expect(await storage.jobs.claimsOf(fetches)).toEqual([
      taken.map(({ id, claim }) => ({ id, claim })),
      [],
      [{ id: idOf(3), claim: 1 }],
    ]);
    expect(await storage.jobs.claimsOf([])).toEqual([]);
  },
  async 'a request id belongs to its worker: the same id of another worker is another request'(storage) {
    await insert(storage, [newJob(1), newJob(2)]);
    const [mine] = await claim(storage, { request: 'r1', worker: 'w1' });
    const [other] = await claim(storage, { request: 'r1', worker: 'w2' });
    expect([mine?.id, other?.id]).toEqual([idOf(1), idOf(2)]);
    expect(await claim(storage, { request: 'r1', worker: 'w1' })).toEqual([mine]);
    expect(await claim(storage, { request: 'r1', worker: 'w2' })).toEqual([other]);
  },
  async 'a request that got nothing may ask again, a repeat within one call counts as one'(storage) {
    expect(await claim(storage, { request: 'r1' })).toEqual([]);
    await insert(storage, [newJob(1), newJob(2)]);
    const answers = await storage.jobs.claim([claimOf({ request: 'r1' }), claimOf({ request: 'r1' }), claimOf()], t0);
    expect(answers.map(({ jobs }) => ids(jobs))).toEqual([[idOf(1)], [idOf(1)], [idOf(2)]]);
  },
  async 'due jobs are promoted first, in the order of their times (§2.1)'(storage) {
    await insert(storage, [
      newJob(1, { state: State.scheduled, runAt: t0 + 30 }),
      newJob(2, { state: State.scheduled, runAt: t0 + 20 }),
      newJob(3, { state: State.scheduled, runAt: t0 + 31 }),
    ]);
    await insert(storage, [newJob(4)]);
    expect(ids(await claim(storage, { limit: 9 }, t0 + 19))).toEqual([idOf(4)]);
    const jobs = await claim(storage, { limit: 9 }, t0 + 30);
    expect(ids(jobs)).toEqual([idOf(2), idOf(1)]);
    expect(jobs[0]?.enqueuedAt).toBe(t0 + 30);
    expect((await get(storage, idOf(3))).state).toBe(State.scheduled);
  },
  async 'a claim promotes only where its queues have fewer available jobs than it asks for'(storage) {
    await insert(storage, [newJob(1), newJob(2), newJob(3)]);
    await insert(storage, [newJob(4, { state: State.scheduled, runAt: t0 + 5, priority: 9 })]);
    expect(ids(await claim(storage, { limit: 2 }, t0 + 5))).toEqual([1, 2].map(idOf));
    expect((await get(storage, idOf(4))).state).toBe(State.scheduled);
    // The queue twice has no more jobs than once.
    const claims = [claimOf({ limit: 1 }), claimOf({ limit: 2, queues: ['default', 'default'] })];
    const answers = await storage.jobs.claim(claims, t0 + 5);
    expect(answers.map(({ jobs }) => ids(jobs))).toEqual([[idOf(4)], [idOf(3)]]);
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a claim of several queues promotes where all of them together have too few jobs'(storage) {
    await insert(storage, [newJob(1), newJob(2, { queue: 'other' })]);
    await insert(storage, [newJob(3, { state: State.scheduled, runAt: t0 + 5, priority: 9 })]);
    const queues = ['default', 'other', 'unknown'];
    expect(ids(await claim(storage, { limit: 2, queues }, t0 + 5))).toEqual([1, 2].map(idOf));
    expect(ids(await claim(storage, { limit: 2, queues }, t0 + 5))).toEqual([idOf(3)]);
  },
  async 'every way back into available takes a new place in the queue'(storage) {
    await insert(storage, [newJob(1), newJob(2), newJob(3, { state: State.pending })]);
    await claimOne(storage);
    await move(storage, to(idOf(3), State.available, State.pending));
    await move(storage, to(idOf(1), State.available, State.active, { clearRun: true, attempt: 0 }));
    await insert(storage, [newJob(4)]);
    expect(ids(await claim(storage, { limit: 9 }))).toEqual([2, 3, 1, 4].map(idOf));
  },
  async 'a job at or past its expiry is discarded, not handed out (row 17)'(storage) {
    await insert(storage, [newJob(1, { expiresAt: t0 + 10 }), newJob(2, { expiresAt: t0 + 11 }), newJob(3)]);
    await insert(storage, [newJob(4, { state: State.scheduled, runAt: t0 + 1, expiresAt: t0 + 2 })]);
    expect(ids(await claim(storage, { limit: 9 }, t0 + 10))).toEqual([idOf(2), idOf(3)]);
    for (const id of [idOf(1), idOf(4)])
      expect(await get(storage, id)).toMatchObject({ state: State.discarded, finishedAt: t0 + 10, attempt: 0 });
    expect(await countErrors(storage)).toEqual([]);
  },
  async 'a claim discards a bounded number of expired jobs, until none is left'(storage) {
    const expired = Array.from({ length: 34 }, (_, index) => newJob(index, { expiresAt: t0 + 1 }));
    await storage.jobs.insert([expired, [newJob(1000)]], t0);
    const discarded = async () => (await queue(storage))?.counts[State.discarded] ?? 0;
    const shares: number[] = [];
    for (let taken = 0, before = 0; taken === 0; ) {
      taken = (await claim(storage, {}, t0 + 1)).length;
      const after = await discarded();
      shares.push(after - before);
      before = after;
    }
    expect(shares).toEqual([10, 10, 10, 4]);
    expect((await queue(storage))?.counts).toEqual({ [State.discarded]: 34, [State.active]: 1 });
  },
  async 'a call hands out what fits, in order and one job at least; a claim that gets none because of it is deferred'(
    storage,
  ) {
    await insert(storage, [sized(1), sized(2, { queue: 'other' }), sized(3), sized(4), newJob(5)]);
    const call = async (maxBytes: number, ...claims: readonly Claim[]) =>
      (await storage.jobs.claim(claims, t0, maxBytes)).map(({ jobs, deferred = false }) => [ids(jobs), deferred]);
    const many = claimOf({ limit: 9, request: 'r' });
    const first = [[idOf(1), idOf(3)], false];
    expect(await call(100_000, many, claimOf(), claimOf({ queues: ['other'] }))).toEqual([
      first,
      [[], true],
      [[], true],
    ]);
    // What an earlier fetch got is answered whole, and counts.
    expect(await call(1, many, claimOf())).toEqual([first, [[], true]]);
    // A small job does not overtake the large one before it.
    expect(await call(1, claimOf({ queues: ['other'] }), claimOf({ limit: 9 }))).toEqual([
      [[idOf(2)], false],
      [[], true],
    ]);
    expect(await call(1, claimOf({ queues: ['none'] }), claimOf({ limit: 9 }))).toEqual([
      [[], false],
      [[idOf(4)], false],
    ]);
    expect(await call(1_000_000, claimOf({ limit: 9 }))).toEqual([[[idOf(5)], false]]);
    for (const number of [1, 2, 3, 4]) {
      const { envelope } = sized(number);
      expect(await get(storage, idOf(number))).toMatchObject({ state: State.active, envelope });
    }
    expect((await claim(storage, { limit: 9, request: 'r' })).map(({ envelope }) => envelope.length)).toEqual(
      [1, 3].map((number) => sized(number).envelope.length),
    );
  },
  async 'large jobs come whole, with limits too, and keep what an earlier execution left'(storage) {
    const limits = [limitOf('k', { concurrency: 3 })];
    const checkpoint = `{"state":"${'c'.repeat(40_000)}"}`;
    await insert(storage, [sized(1, { limits }), sized(2, { limits }), sized(3, { limits })]);
    const [job] = await claim(storage, { limit: 1 });
    expect(job?.envelope).toBe(sized(1).envelope);
    await move(storage, to(idOf(1), State.active, State.active, { checkpoint }));
    await move(storage, to(idOf(1), State.available, State.active, { clearRun: true }));
    const taken = await storage.jobs.claim([claimOf({ limit: 9 }), claimOf({ limit: 9 })], t0, 100_000);
    expect(taken.map(({ jobs, deferred = false }) => [ids(jobs), deferred])).toEqual([
      [[idOf(2), idOf(3)], false],
      [[], true],
    ]);
    expect(taken[0]?.jobs.map(({ envelope }) => envelope)).toEqual([2, 3].map((number) => sized(number).envelope));
    expect(await claimOne(storage)).toMatchObject({ id: idOf(1), envelope: sized(1).envelope, checkpoint });
  },
};

/** A job of about 40,000 characters. */
function sized(number: number, patch: Partial<NewJob> = {}): NewJob {
  return newJob(number, { envelope: `{"id":"${idOf(number)}","args":["${'x'.repeat(40_000)}"]}`, ...patch });
}
