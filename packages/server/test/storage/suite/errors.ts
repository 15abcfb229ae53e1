import { fingerprintOf, type JobRecord, messageFingerprint, State } from '@ojs-ts/core/job';
import { failed, historyPurged, retried } from '@ojs-ts/core/lifecycle';
import { expect } from 'vitest';
import type { Storage } from '../../../src/storage/storage.ts';
import { type Cases, claimOf, countErrors, get, idOf, ids, insert, keepAll, move, newJob, pages, t0 } from './tools.ts';

const twoAttempts = '{"retry":{"maxAttempts":2,"initialIntervalMs":1000,"jitter":false}}';
const oneAttempt = '{"retry":{"maxAttempts":1,"onExhaustion":"dead_letter"}}';
const everyFailure = State.retryable | State.discarded;
const lost = (number: number) => ({ code: 'lost', type: 'Lost', message: `Lost host 10.0.0.${number}`, names: [] });
const full = { code: 'full', type: 'Full', message: 'Lost host 10.0.0.1', names: [] };
const lostPrint = fingerprintOf(lost(1));
const fullPrint = fingerprintOf(full);

async function claimed(storage: Storage, now: number): Promise<JobRecord> {
  const [answer] = await storage.jobs.claim([claimOf({ queues: ['default', 'mail'] })], now);
  const job = answer?.jobs[0];
  if (!job) throw new Error('Nothing was claimed.');
  return job;
}

/** Runs the next job, which fails with this error. */
async function fails(storage: Storage, error: typeof full, now: number): Promise<void> {
  const job = await claimed(storage, now);
  await move(
    storage,
    failed(job, error, now, () => 0),
    now,
  );
}

/** Jobs 1 to 3 are dead letters, job 4 waits for its second attempt, job 5 has not failed. */
async function open(storage: Storage): Promise<void> {
  await insert(storage, [
    ...[1, 2, 3].map((number) => newJob(number, { policy: oneAttempt })),
    newJob(4, { policy: twoAttempts, queue: 'mail', type: 'other' }),
    newJob(5, { queue: 'mail' }),
  ]);
  await fails(storage, lost(1), t0 + 1);
  await fails(storage, lost(2), t0 + 2);
  await fails(storage, full, t0 + 3);
  await fails(storage, lost(3), t0 + 4);
}

const listed = async (storage: Storage, query: Partial<Parameters<Storage['jobs']['list']>[0]>) =>
  ids((await storage.jobs.list({ states: 0xff, limit: 9, ...query })).items);

export const errorCases: Cases = {
  async 'a deleted past takes the error along; the job keeps its end, its place in lists and in the dead letter'(
    storage,
  ) {
    await open(storage);
    const [before, queues] = [await get(storage, idOf(2)), await storage.registry.queues()];
    const purge = historyPurged(before, t0 + 9);
    expect((await move(storage, purge, t0 + 9)).kind).toBe('moved');
    expect(await get(storage, idOf(2))).toEqual({ ...before, history: purge.history });
    expect(await storage.registry.queues()).toEqual(queues);
    expect(await listed(storage, { fingerprint: lostPrint })).toEqual([4, 1].map(idOf));
    expect(await listed(storage, { deadLetter: true })).toEqual([3, 2, 1].map(idOf));
    expect(await storage.jobs.errors({ states: everyFailure, limit: 9 })).toMatchObject({ jobs: 3 });
    expect(await countErrors(storage)).toEqual([]);
    const other = await get(storage, idOf(1));
    await move(storage, retried(other, t0 + 10), t0 + 10);
    expect((await move(storage, historyPurged(other, t0 + 11), t0 + 11)).kind).toBe('refused');
  },
  async 'jobs that failed are listed by the fingerprint of their last error, and by its message'(storage) {
    await open(storage);
    expect(await listed(storage, { fingerprint: lostPrint })).toEqual([4, 2, 1].map(idOf));
    expect(await listed(storage, { fingerprint: fullPrint })).toEqual([idOf(3)]);
    expect(await listed(storage, { fingerprint: messageFingerprint(full.message) })).toEqual([4, 3, 2, 1].map(idOf));
    expect(await listed(storage, { fingerprint: '0123456789abcdef' })).toEqual([]);
    expect(await listed(storage, { fingerprint: lostPrint, states: State.discarded })).toEqual([2, 1].map(idOf));
    expect(await listed(storage, { fingerprint: lostPrint, states: State.retryable })).toEqual([idOf(4)]);
    expect(await listed(storage, { fingerprint: lostPrint, states: State.available | State.completed })).toEqual([]);
    expect(await listed(storage, { fingerprint: lostPrint, deadLetter: true })).toEqual([2, 1].map(idOf));
    expect(await listed(storage, { fingerprint: lostPrint, queue: 'mail' })).toEqual([idOf(4)]);
    expect(await listed(storage, { fingerprint: lostPrint, queue: 'mail', type: 'email.send' })).toEqual([]);
  },
  async 'a list by fingerprint goes by creation both ways, in pages of any length, across states'(storage) {
    await open(storage);
    await insert(storage, [
      newJob(6, { policy: twoAttempts }),
      ...[7, 8].map((number) => newJob(number, { policy: '{"retry":{"maxAttempts":1}}' })),
      newJob(9, { policy: twoAttempts }),
    ]);
    await fails(storage, lost(4), t0 + 5);
    for (const number of [5, 6]) await fails(storage, lost(number), t0 + 6);
    await fails(storage, full, t0 + 7);
    const either = { states: everyFailure, fingerprint: messageFingerprint(full.message) };
    const one = { states: everyFailure, fingerprint: lostPrint };
    // What waits by its number, then what ended by the time of its end.
    for (const [filter, newestFirst] of [
      [either, [9, 6, 4, 8, 7, 3, 2, 1]],
      [one, [6, 4, 8, 7, 2, 1]],
      [{ ...either, queue: 'default' }, [9, 6, 8, 7, 3, 2, 1]],
      [{ ...one, type: 'other' }, [4]],
      [{ ...one, states: State.retryable }, [6, 4]],
      [{ ...one, states: State.discarded }, [8, 7, 2, 1]],
      [{ ...either, deadLetter: true }, [3, 2, 1]],
      [{ ...one, deadLetter: true }, [2, 1]],
    ] as const) {
      for (const direction of ['asc', 'desc'] as const) {
        const expected = (direction === 'desc' ? newestFirst : newestFirst.toReversed()).map(idOf);
        const query = { ...filter, order: { by: 'created', direction } } as const;
        for (const limit of [1, 2, 3, 99]) expect((await pages(storage, { ...query, limit })).flat()).toEqual(expected);
        const { items } = await storage.jobs.list({ ...query, offset: 1, limit: 3 });
        expect(ids(items)).toEqual(expected.slice(1, 4));
      }
    }
  },
  async 'errors are counted by fingerprint, the most frequent first, with an example and the times'(storage) {
    await open(storage);
    const message = 'Lost host <ip>';
    const both = { fingerprint: lostPrint, type: 'Lost', message };
    const other = { fingerprint: fullPrint, count: 1, type: 'Full', message, firstAt: t0 + 3, lastAt: t0 + 3 };
    expect(await storage.jobs.errors({ states: everyFailure, limit: 9 })).toEqual({
      groups: [{ ...both, count: 3, firstAt: t0 + 1, lastAt: t0 + 4 }, other],
      fingerprints: 2,
      jobs: 4,
    });
    const dead = { ...both, count: 2, firstAt: t0 + 1, lastAt: t0 + 2 };
    expect(await storage.jobs.errors({ states: everyFailure, deadLetter: true, limit: 1 })).toEqual({
      groups: [dead],
      fingerprints: 2,
      jobs: 3,
    });
    expect(await storage.jobs.errors({ states: State.retryable, limit: 9 })).toEqual({
      groups: [{ ...both, count: 1, firstAt: t0 + 4, lastAt: t0 + 4 }],
      fingerprints: 1,
      jobs: 1,
    });
    expect(await storage.jobs.errors({ states: everyFailure, queue: 'mail', limit: 9 })).toMatchObject({ jobs: 1 });
    expect(await storage.jobs.errors({ states: everyFailure, type: 'email.send', limit: 9 })).toMatchObject({
      groups: [dead, other],
    });
    expect(await storage.jobs.errors({ states: State.available, limit: 9 })).toEqual({
      groups: [],
      fingerprints: 0,
      jobs: 0,
    });
  },
  async 'a job leaves its error when it runs again, is retried by hand, or is gone'(storage) {
    await open(storage);
    const count = async (fingerprint: string) => {
      const { groups } = await storage.jobs.errors({ states: everyFailure, limit: 9 });
      return groups.find((group) => group.fingerprint === fingerprint)?.count ?? 0;
    };
    const [first] = await storage.jobs.get([idOf(1)]);
    if (!first) throw new Error('The job is gone.');
    await move(storage, retried(first, t0 + 5), t0 + 5);
    expect(await count(lostPrint)).toBe(2);
    await storage.upkeep.promote(t0 + 2000, 9);
    expect(await count(lostPrint)).toBe(1);
    expect(await listed(storage, { fingerprint: lostPrint })).toEqual([idOf(2)]);
    // The queue gives out job 1, which fails with another error than before.
    await fails(storage, full, t0 + 2001);
    expect(await count(lostPrint)).toBe(1);
    expect(await count(fullPrint)).toBe(2);
    await storage.jobs.remove([idOf(2)], { from: State.discarded }, t0 + 2002);
    expect(await count(lostPrint)).toBe(0);
    await storage.upkeep.prune(
      { ...keepAll, jobs: [{ state: State.discarded, deadLetter: true, before: t0 + 9000, keep: 9 }] },
      9,
    );
    expect(await storage.jobs.errors({ states: everyFailure, limit: 9 })).toMatchObject({ groups: [], jobs: 0 });
  },
  async 'a job that expired while it waited is found by that error'(storage) {
    const policy = '{"enqueueTtlMs":5}';
    const times = { runAt: t0 + 4, expiresAt: t0 + 5, state: State.scheduled } as const;
    await insert(storage, [
      newJob(1, times),
      newJob(2, { ...times, policy }),
      newJob(3, { ...times, deadlineAt: t0 + 5 }),
    ]);
    await storage.upkeep.promote(t0 + 9, 9);
    const { groups } = await storage.jobs.errors({ states: State.discarded, limit: 9 });
    expect(groups.map(({ type, fingerprint }) => [type, fingerprint]).sort()).toEqual([
      [
        'enqueue_ttl_expired',
        fingerprintOf({ type: 'enqueue_ttl_expired', message: 'The job was not started within 1 s.' }),
      ],
      ['expired', fingerprintOf({ type: 'expired', message: 'The job was not started before expires_at.' })],
      [
        'total_timeout',
        fingerprintOf({
          type: 'total_timeout',
          message: 'The job did not end within total_timeout, 1 s after it was created.',
        }),
      ],
    ]);
  },
};
