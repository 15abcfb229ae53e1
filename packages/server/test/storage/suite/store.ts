import { State, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { Documents } from '../../../src/engine/documents.ts';
import type { Storage, Wake } from '../../../src/storage/storage.ts';
import { cronsOf } from '../crons-of.ts';
import {
  allLimits,
  type Cases,
  claim,
  idOf,
  insert,
  inserted,
  limitOf,
  move,
  newJob,
  newNode,
  newWorkflow,
  t0,
  to,
} from './tools.ts';

/** The wake-ups that `act` causes, once one for `queue` has come. */
async function wakesOf(storage: Storage, queue: string, act: () => Promise<unknown>): Promise<readonly Wake[]> {
  const woken: Wake[] = [];
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const subscription = await storage.subscribe((wakes) => {
    woken.push(...wakes);
    if (wakes.some((wake) => wake.kind === 'queue' && wake.queue === queue)) arrived();
  });
  await act();
  await arrival;
  await subscription[Symbol.asyncDispose]();
  return woken;
}

export const storeCases: Cases = {
  async 'subscribers are woken by queue for every way into available'(storage) {
    await wakesOf(storage, 'a', () => insert(storage, [newJob(1, { queue: 'a' })]));
    await claim(storage, { queues: ['a'] });
    await wakesOf(storage, 'a', () => move(storage, to(idOf(1), State.available, State.active)));
    await insert(storage, [newJob(2, { queue: 'b', state: State.scheduled, runAt: t0 + 1 })]);
    await wakesOf(storage, 'b', () => storage.upkeep.promote(t0 + 1, 9));
    await storage.registry.pauseQueue('c', true, t0);
    await wakesOf(storage, 'c', () => storage.registry.pauseQueue('c', false, t0));
  },
  async 'subscribers are woken for queues whose jobs wait under a limit that has a slot again, or other numbers'(
    storage,
  ) {
    const under = (number: number, queue: string) => newJob(number, { queue, limits: [limitOf('k')] });
    await storage.registry.overrideLimit('k', { concurrency: 1, rates: [] }, t0);
    await insert(storage, [under(1, 'a'), under(2, 'b'), under(3, 'a')]);
    await claim(storage, { queues: ['a'] });
    await wakesOf(storage, 'b', () => move(storage, to(idOf(1), State.completed, State.active)));
    await claim(storage, { queues: ['a'] });
    await wakesOf(storage, 'b', () => storage.registry.overrideLimit('k', { concurrency: 2, rates: [] }, t0));
    const numbers = limitOf('k', { concurrency: 3 });
    await storage.registry.overrideLimit('k', null, t0);
    await wakesOf(storage, 'b', () =>
      insert(storage, [newJob(4, { queue: 'c', state: State.pending, limits: [numbers] })]),
    );
    await storage.registry.overrideLimit('queue:d', { concurrency: 1, rates: [] }, t0);
    await insert(
      storage,
      [5, 6, 7].map((number) => newJob(number, { queue: 'd' })),
    );
    await claim(storage, { queues: ['d'], limit: 2 });
    await wakesOf(storage, 'd', () => move(storage, to(idOf(5), State.completed, State.active)));
    await claim(storage, { queues: ['d'], limit: 2 });
    await wakesOf(storage, 'd', () => storage.registry.overrideLimit('queue:d', null, t0));
  },
  async 'many jobs of one queue are one wake-up; scheduled, claimed and finished jobs make none'(storage) {
    // Waited for, because the first subscription may still be told of what was there before it.
    await wakesOf(storage, 'quiet', () => insert(storage, [newJob(50, { queue: 'quiet' })]));
    await wakesOf(storage, 'warm', () => insert(storage, [newJob(51, { queue: 'warm' })]));
    const wakes = await wakesOf(storage, 'a', async () => {
      await insert(storage, [newJob(52, { queue: 'later', state: State.scheduled, runAt: t0 + 9 })]);
      await move(storage, to(idOf(50), State.cancelled, Waiting));
      await storage.jobs.insert([Array.from({ length: 20 }, (_, number) => newJob(number, { queue: 'a' }))], t0);
    });
    expect(wakes.filter(({ kind }) => kind === 'queue')).toEqual([{ kind: 'queue', queue: 'a' }]);
    expect(wakes.at(-1)).toEqual({ kind: 'events' });
  },
  async 'every subscriber is notified, until it ends its subscription'(storage) {
    let first = 0;
    const ended = await storage.subscribe(() => {
      first += 1;
    });
    await wakesOf(storage, 'a', () => insert(storage, [newJob(1, { queue: 'a' })]));
    expect(first).toBe(1);
    await ended[Symbol.asyncDispose]();
    await wakesOf(storage, 'a', () => insert(storage, [newJob(2, { queue: 'a' })]));
    expect(first).toBe(1);
  },
  async 'clear empties everything and positions start again'(storage) {
    await insert(storage, [newJob(1)]);
    await claim(storage, { request: 'r1' });
    await storage.registry.beat([{ worker: 'w1', holds: null, leaseMs: null, state: 'running', info: '{}' }], t0);
    await storage.upkeep.lease('l', 'a', 1e9, t0);
    await storage.registry.overrideLimit('k', { concurrency: 1, rates: [] }, t0);
    await storage.workflows.create(newWorkflow(), [newNode(0)], [], t0);
    await cronsOf(storage).put({ name: 'c', spec: '{}', enabled: true, dueAt: t0 }, t0);
    await new Documents(storage.records).put('k', 'd', '{}', null, t0);
    await storage.clear();
    expect(await storage.jobs.list({ states: 0xff, limit: 9 })).toEqual({ items: [], next: null });
    expect(await storage.registry.queues()).toEqual([]);
    expect(await storage.registry.workers()).toEqual([]);
    expect(await allLimits(storage)).toEqual([]);
    expect(await storage.registry.statistics(0)).toEqual([]);
    expect(await storage.workflows.get('w')).toBeNull();
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [], sweeping: [] });
    expect(await storage.workflows.node([{ workflow: 'w', index: 0 }])).toEqual([null]);
    expect(await cronsOf(storage).list()).toEqual([]);
    expect(await storage.records.scan('k', { limit: 9 })).toEqual([]);
    expect(await storage.upkeep.lease('l', 'b', 1, t0)).toBe(true);
    expect(await storage.events(0, 9)).toEqual({ batches: [], oldest: 1, newest: 0, reached: 0 });
    await insert(storage, [newJob(1)]);
    expect(await claim(storage, { request: 'r1' })).toHaveLength(1);
  },
  async 'seed is below 2^16 and stays, the clock runs, ping answers, migrate may be repeated'(storage) {
    const seed = await storage.seed();
    expect(seed).toBeGreaterThanOrEqual(0);
    expect(seed).toBeLessThan(0x10000);
    expect(await storage.seed()).toBe(seed);
    const leaseKey = await storage.leaseKey();
    expect(leaseKey).toMatch(/^[0-9a-f]{32}$/);
    expect(await storage.leaseKey()).toBe(leaseKey);
    const now = await storage.clock();
    expect(await storage.clock()).toBeGreaterThanOrEqual(now);
    await storage.ping();
    const { to } = await storage.migrate();
    expect(await storage.migrate()).toEqual({ from: to, to });
  },
  async 'closing finishes the calls in flight, refuses later ones, and may be repeated'(storage) {
    const asked = storage.jobs.insert([[newJob(1)]], t0);
    await storage[Symbol.asyncDispose]();
    expect(await asked).toEqual([[inserted]]);
    await storage[Symbol.asyncDispose]();
    await expect(storage.jobs.insert([[newJob(2)]], t0)).rejects.toThrow(/closed/);
    await expect(storage.jobs.get([idOf(1)])).rejects.toThrow(/closed/);
    await expect(storage.jobs.list({ states: 0xff, limit: 1 })).rejects.toThrow(/closed/);
    await expect(storage.registry.queues()).rejects.toThrow(/closed/);
    await expect(storage.ping()).rejects.toThrow(/closed/);
  },
};
