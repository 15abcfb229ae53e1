import { State } from '@ojs-ts/core/job';
import { forgotten, leaseLost } from '@ojs-ts/core/lifecycle';
import { expect } from 'vitest';
import type { WorkerBeat } from '../../../src/storage/storage.ts';
import { type Cases, claim, claimOf, claimOne, get, idOf, insert, move, newJob, second, t0, to } from './tools.ts';

function beatOf(patch: Partial<WorkerBeat> = {}): WorkerBeat {
  return { worker: 'w1', holds: [], leaseMs: null, state: 'running', info: '{"pid":1}', ...patch };
}

export const workerCases: Cases = {
  async 'a heartbeat records the worker, the time and its jobs, of this heartbeat and the one before (§10.3)'(storage) {
    const holds = [{ id: idOf(1), claim: null }];
    await storage.registry.beat([beatOf({ holds })], t0);
    await storage.registry.beat(
      [beatOf({ holds: null, state: 'quiet', info: '{"pid":2}' }), beatOf({ worker: 'w0' })],
      t0 + 5,
    );
    expect(await storage.registry.workers()).toEqual([
      {
        worker: 'w0',
        seenAt: t0 + 5,
        seenBefore: null,
        state: 'running',
        directive: null,
        info: '{"pid":1}',
        holds: [],
        heldBefore: null,
      },
      {
        worker: 'w1',
        seenAt: t0 + 5,
        seenBefore: t0,
        state: 'quiet',
        directive: null,
        info: '{"pid":2}',
        holds: null,
        heldBefore: [idOf(1)],
      },
    ]);
  },
  async 'a heartbeat that knows of claims until an earlier time says nothing of those after it'(storage) {
    const told = async (now: number, knownUntil?: number) => {
      await storage.registry.beat([beatOf(knownUntil === undefined ? {} : { knownUntil })], now);
      return (await storage.registry.workers())[0]?.seenBefore;
    };
    expect(await told(t0, t0 - 5)).toBeNull();
    expect(await told(t0 + 10, t0 - 1)).toBe(t0 - 1);
    expect(await told(t0 + 20, t0 + 15)).toBe(t0 + 10);
    expect(await told(t0 + 30, 0)).toBe(0);
    expect(await told(t0 + 40)).toBe(t0 + 30);
  },
  async 'a partial heartbeat extends the listed jobs and stores no list, so no job counts as missing'(storage) {
    await insert(storage, [newJob(1)]);
    await claimOne(storage);
    const [answer] = await storage.registry.beat(
      [beatOf({ holds: [{ id: idOf(1), claim: null }], partial: true })],
      t0 + 1,
    );
    expect(answer?.extended).toEqual([idOf(1)]);
    expect(await storage.registry.workers()).toMatchObject([{ worker: 'w1', holds: null }]);
  },
  async 'a job that requires its lease is extended by its claim only'(storage) {
    await insert(storage, [newJob(1)]);
    const job = await claimOne(storage, { leaseRequired: true });
    for (const claim of [null, -1, 2]) {
      const [answer] = await storage.registry.beat([beatOf({ holds: [{ id: job.id, claim }] })], t0 + 1);
      expect(answer).toMatchObject({ extended: [], lost: [job.id] });
    }
    expect(await get(storage, job.id)).toEqual(job);
    const [answer] = await storage.registry.beat([beatOf({ holds: [{ id: job.id, claim: 1 }] })], t0 + 1);
    expect(answer).toMatchObject({ extended: [job.id], lost: [] });
  },
  async 'listed jobs are extended from now by the larger of the two lengths, never shortened'(storage) {
    await insert(storage, [newJob(1)]);
    await claimOne(storage, { leaseMs: 10 * second });
    const extend = async (leaseMs: number | null, now: number) => {
      const [answer] = await storage.registry.beat([beatOf({ holds: [{ id: idOf(1), claim: 1 }], leaseMs })], now);
      expect(answer).toEqual({ directive: null, extended: [idOf(1)], lost: [] });
      return (await get(storage, idOf(1))).leaseUntil;
    };
    expect(await extend(null, t0 + 1000)).toBe(t0 + 11 * second);
    expect(await extend(3000, t0 + 2000)).toBe(t0 + 12 * second);
    expect(await extend(60_000, t0 + 2000)).toBe(t0 + 62 * second);
    expect(await extend(null, t0 + 3000)).toBe(t0 + 62 * second);
    expect((await get(storage, idOf(1))).leaseMs).toBe(10 * second);
  },
  async 'an extension moves the time at which a job is overdue, but not past its timeout (§10.4)'(storage) {
    await insert(storage, [newJob(1, { timeoutMs: 15 * second })]);
    await claimOne(storage, { leaseMs: 10 * second });
    await storage.registry.beat([beatOf({ holds: [{ id: idOf(1), claim: 1 }] })], t0 + 9 * second);
    expect(await storage.upkeep.overdue(t0 + 14_999, 9)).toEqual([]);
    expect(await storage.upkeep.overdue(t0 + 15_000, 9)).toHaveLength(1);
  },
  async 'a heartbeat between the decision that a lease is lost and its effect keeps the lease (§10.4)'(storage) {
    await insert(storage, [newJob(1)]);
    await claimOne(storage, { leaseMs: 10 * second });
    const now = t0 + 11 * second;
    const [late] = await storage.upkeep.overdue(now, 9);
    if (late === undefined) throw new Error('No job is overdue.');
    await storage.registry.beat([beatOf({ holds: [{ id: idOf(1), claim: 1 }] })], now);
    const decisions = [leaseLost(late, 'visibility_timeout', now), forgotten(late, now)];
    for (const decision of decisions) expect(await move(storage, decision, now)).toMatchObject({ kind: 'refused' });
    expect(await get(storage, idOf(1))).toMatchObject({ state: State.active, leaseUntil: now + 10 * second });
    const [later] = await storage.upkeep.overdue(now + 10 * second, 9);
    if (later === undefined) throw new Error('No job is overdue.');
    const lost = leaseLost(later, 'visibility_timeout', now + 10 * second);
    expect(await move(storage, lost, now + 10 * second)).toMatchObject({ kind: 'moved' });
  },
  async 'a job that is finished, unknown, or of another claim or worker is lost'(storage) {
    await insert(
      storage,
      [1, 2, 3, 4, 5].map((number) => newJob(number)),
    );
    await storage.jobs.claim([claimOf({ limit: 2 }), claimOf({ worker: 'w2' }), claimOf({ worker: null })], t0);
    await move(storage, to(idOf(1), State.cancelled, State.active));
    const holds = [
      { id: idOf(1), claim: null },
      { id: idOf(2), claim: 2 },
      { id: idOf(3), claim: 1 },
      { id: idOf(4), claim: 1 },
      { id: idOf(5), claim: null },
      { id: idOf(6), claim: null },
    ];
    const before = await get(storage, idOf(2));
    const [answer] = await storage.registry.beat([beatOf({ holds })], t0 + 5);
    expect(answer).toEqual({ directive: null, extended: [idOf(4)], lost: [1, 2, 3, 5, 6].map(idOf) });
    expect(await get(storage, idOf(2))).toEqual(before);
  },
  async 'every heartbeat returns the directive until it is removed'(storage) {
    const told = async (now: number) => (await storage.registry.beat([beatOf()], now))[0]?.directive;
    expect(await storage.registry.direct('w1', 'quiet')).toBe(false);
    expect(await told(t0)).toBeNull();
    expect(await storage.registry.direct('w1', 'terminate')).toBe(true);
    expect(await told(t0 + 1)).toBe('terminate');
    expect(await told(t0 + 2)).toBe('terminate');
    expect((await storage.registry.workers())[0]?.directive).toBe('terminate');
    expect(await storage.registry.direct('w1', null)).toBe(true);
    expect(await told(t0 + 3)).toBeNull();
  },
  async 'a forgotten worker starts anew'(storage) {
    await storage.registry.beat([beatOf({ holds: [{ id: idOf(1), claim: 1 }] })], t0);
    expect(await storage.registry.forgetWorker('w1')).toBe(true);
    expect(await storage.registry.forgetWorker('w1')).toBe(false);
    await storage.registry.beat([beatOf()], t0 + 9);
    expect((await storage.registry.workers())[0]).toMatchObject({ seenBefore: null, heldBefore: null });
  },
  async 'a worker by any name is only a name'(storage) {
    const worker = `w'"\\\u{1F600}\n`;
    await insert(storage, [newJob(1)]);
    await claim(storage, { worker });
    const [answer] = await storage.registry.beat([beatOf({ worker, holds: [{ id: idOf(1), claim: 1 }] })], t0);
    expect(answer?.extended).toEqual([idOf(1)]);
    expect((await storage.upkeep.held(null, 9)).items[0]?.worker).toBe(worker);
  },
};
