import { State, Waiting } from '@ojs-ts/core';
import { expect } from 'vitest';
import type { Case } from './exercise.ts';
import { claim, countErrors, eventLog, idOf, insert, move, newJob, t0, to } from './tools.ts';

export const queueCases: readonly Case[] = [
  [
    'a queue appears with its first job, or by name of an operator, and stays',
    async (storage) => {
      expect(await storage.registry.queues()).toEqual([]);
      await insert(storage, [newJob(1, { queue: 'b' })], t0 + 1);
      await storage.registry.pauseQueue('a', false, t0 + 2);
      await storage.jobs.remove([idOf(1)], { from: Waiting });
      expect(await storage.registry.queues()).toEqual([
        { name: 'a', paused: false, createdAt: t0 + 2, counts: {}, deadLetter: 0 },
        { name: 'b', paused: false, createdAt: t0 + 1, counts: {}, deadLetter: 0 },
      ]);
    },
  ],
  [
    'pause and resume answer the queue and are logged where they change it',
    async (storage) => {
      await insert(storage, [newJob(1)]);
      const paused = { name: 'default', paused: true, createdAt: t0, counts: { [State.available]: 1 }, deadLetter: 0 };
      expect(await storage.registry.pauseQueue('default', true, t0 + 1)).toEqual(paused);
      expect(await storage.registry.pauseQueue('default', true, t0 + 2)).toEqual(paused);
      expect(await storage.registry.pauseQueue('default', false, t0 + 3)).toEqual({ ...paused, paused: false });
      await storage.registry.pauseQueue('default', false, t0 + 4);
      const log = await eventLog(storage, 1);
      expect(log.map(({ kind, at, id, entry }) => [kind, at, id, entry[3]])).toEqual([
        ['queue.paused', t0 + 1, null, 'default'],
        ['queue.resumed', t0 + 3, null, 'default'],
      ]);
    },
  ],
  [
    'calls made at once see each other in order',
    async (storage) => {
      const [, paused, taken, resumed, more] = await Promise.all([
        storage.jobs.insert([[newJob(1)], [newJob(2)]], t0),
        storage.registry.pauseQueue('default', true, t0),
        claim(storage),
        storage.registry.pauseQueue('default', false, t0),
        claim(storage),
      ]);
      expect(paused.counts).toEqual({ [State.available]: 2 });
      expect(taken).toEqual([]);
      expect(resumed.paused).toBe(false);
      expect(more.map(({ id }) => id)).toEqual([idOf(1)]);
    },
  ],
  [
    'counts follow every kind of change',
    async (storage) => {
      await storage.jobs.insert(
        [Array.from({ length: 30 }, (_, number) => newJob(number, { queue: `q${number % 3}`, expiresAt: number === 2 ? t0 + 1 : null }))],
        t0,
      );
      const jobs = await claim(storage, { queues: ['q0', 'q1', 'q2'], limit: 25 }, t0 + 5);
      const ends = [State.completed, State.retryable, State.cancelled, State.discarded, State.available];
      await storage.jobs.transition(
        jobs.map(({ id }, index) =>
          to(id, ends[index % ends.length] ?? State.completed, State.active, { deadLetter: index % 2 === 0, runAt: t0 + 6 }),
        ),
        t0 + 5,
      );
      await move(storage, to(idOf(29), State.cancelled, Waiting), t0 + 5);
      await storage.upkeep.promote(t0 + 6, 2);
      await storage.jobs.remove([idOf(0), idOf(3)], { from: 0xff });
      expect(await countErrors(storage)).toEqual([]);
    },
  ],
];
