import { State, Waiting } from '@ojs-ts/core';
import { expect } from 'vitest';
import type { Storage, Wake } from '../../../src/storage/storage.ts';
import type { Case } from './exercise.ts';
import { claim, idOf, insert, move, newJob, t0, to } from './tools.ts';

/** The wake-ups that `act` causes, once one for `queue` has come. */
async function wakesOf(storage: Storage, queue: string, act: () => Promise<unknown>): Promise<readonly Wake[]> {
  const woken: Wake[] = [];
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const subscription = await storage.subscribe((wakes) => {
    woken.push(...wakes);
    if (wakes.some((wake) => wake.queue === queue)) arrived();
  });
  await act();
  await arrival;
  await subscription[Symbol.asyncDispose]();
  return woken;
}

export const storeCases: readonly Case[] = [
  [
    'subscribers are woken by queue for every way into available',
    async (storage) => {
      await wakesOf(storage, 'a', () => insert(storage, [newJob(1, { queue: 'a' })]));
      await claim(storage, { queues: ['a'] });
      await wakesOf(storage, 'a', () => move(storage, to(idOf(1), State.available, State.active)));
      await insert(storage, [newJob(2, { queue: 'b', state: State.scheduled, runAt: t0 + 1 })]);
      await wakesOf(storage, 'b', () => storage.upkeep.promote(t0 + 1, 9));
      await storage.registry.pauseQueue('c', true, t0);
      await wakesOf(storage, 'c', () => storage.registry.pauseQueue('c', false, t0));
    },
  ],
  [
    'many jobs of one queue are one wake-up; what waits for time or leaves is none',
    async (storage) => {
      await insert(storage, [newJob(50, { queue: 'quiet' })]);
      // The first subscription may still be told of what was there before it.
      await wakesOf(storage, 'warm', () => insert(storage, [newJob(51, { queue: 'warm' })]));
      const wakes = await wakesOf(storage, 'a', async () => {
        await insert(storage, [newJob(52, { queue: 'later', state: State.scheduled, runAt: t0 + 9 })]);
        await move(storage, to(idOf(50), State.cancelled, Waiting));
        await storage.jobs.insert([Array.from({ length: 20 }, (_, number) => newJob(number, { queue: 'a' }))], t0);
      });
      expect(wakes).toEqual([{ queue: 'a' }]);
    },
  ],
  [
    'every subscriber is told, until it ends its subscription',
    async (storage) => {
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
  ],
  [
    'clear empties everything and positions start again',
    async (storage) => {
      await insert(storage, [newJob(1)]);
      await claim(storage, { request: 'r1' });
      await storage.registry.beat([{ worker: 'w1', holds: null, leaseMs: null, state: 'running', info: '{}' }], t0);
      await storage.upkeep.lease('l', 'a', 1e9, t0);
      await storage.clear();
      expect(await storage.jobs.list({ states: 0xff, limit: 9 })).toEqual({ items: [], next: null });
      expect(await storage.registry.queues()).toEqual([]);
      expect(await storage.registry.workers()).toEqual([]);
      expect(await storage.upkeep.lease('l', 'b', 1, t0)).toBe(true);
      expect(await storage.events(0, 9)).toEqual({ batches: [], oldest: 1, newest: 0 });
      await insert(storage, [newJob(1)]);
      expect(await claim(storage, { request: 'r1' })).toHaveLength(1);
    },
  ],
  [
    'seed is below 2^16 and stays, the clock runs, ping answers, migrate may be repeated',
    async (storage) => {
      const seed = await storage.seed();
      expect(seed).toBeGreaterThanOrEqual(0);
      expect(seed).toBeLessThan(0x10000);
      expect(await storage.seed()).toBe(seed);
      const now = await storage.clock();
      expect(await storage.clock()).toBeGreaterThanOrEqual(now);
      await storage.ping();
      const { to } = await storage.migrate();
      expect(await storage.migrate()).toEqual({ from: to, to });
    },
  ],
  [
    'closing finishes what was asked, then refuses, and may be repeated',
    async (storage) => {
      const asked = storage.jobs.insert([[newJob(1)]], t0);
      await storage[Symbol.asyncDispose]();
      expect(await asked).toEqual([[{ kind: 'inserted' }]]);
      await storage[Symbol.asyncDispose]();
      await expect(storage.jobs.insert([[newJob(2)]], t0)).rejects.toThrow(/closed/);
      await expect(storage.jobs.get([idOf(1)])).rejects.toThrow(/closed/);
      await expect(storage.jobs.list({ states: 0xff, limit: 1 })).rejects.toThrow(/closed/);
      await expect(storage.registry.queues()).rejects.toThrow(/closed/);
      await expect(storage.ping()).rejects.toThrow(/closed/);
    },
  ],
];
