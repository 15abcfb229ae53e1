import { ProtocolError } from '@ojs-ts/core';
import { State, Terminal, Waiting } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import { expect } from 'vitest';
import type { JobQuery } from '../../../src/storage/storage.ts';
import { type Cases, claim, idOf, ids, insert, limitOf, move, newJob, pages, t0, to } from './tools.ts';

const numbers = [1, 2, 3, 4, 5];

export const listCases: Cases = {
  async 'thousands that ended in one millisecond are listed one after the other, in one page and in several'(storage) {
    const many = Array.from({ length: 2_100 }, (_, number) => newJob(number));
    await storage.jobs.insert([many], t0);
    const cancels = many.map(({ id }) => to(id, State.cancelled, Waiting));
    for (let at = 0; at < cancels.length; at += 500) await storage.jobs.transition(cancels.slice(at, at + 500), t0);
    const expected = many.map(({ id }) => id).reverse();
    for (const limit of [5_000, 1_500, 700])
      expect((await pages(storage, { states: Terminal, queue: 'default', limit })).flat()).toEqual(expected);
  },
  async 'unfinished jobs are listed by creation, newest first, across states'(storage) {
    await insert(storage, [
      newJob(9),
      newJob(2, { state: State.scheduled, runAt: t0 + 9 }),
      newJob(5, { state: State.pending }),
      newJob(1),
      newJob(3),
    ]);
    await claim(storage);
    const { items, next } = await storage.jobs.list({ states: Waiting | State.active, limit: 9 });
    expect(ids(items)).toEqual([3, 1, 5, 2, 9].map(idOf));
    expect(next).toBeNull();
  },
  async 'finished jobs are listed by their end, newest first, after unfinished ones'(storage) {
    await insert(
      storage,
      numbers.map((number) => newJob(number)),
    );
    await move(storage, to(idOf(3), State.cancelled, Waiting), t0 + 1);
    await move(storage, to(idOf(1), State.discarded, Waiting), t0 + 2);
    await move(storage, to(idOf(4), State.cancelled, Waiting), t0 + 2);
    await move(storage, to(idOf(2), State.cancelled, Waiting), t0 + 3);
    expect(ids((await storage.jobs.list({ states: Terminal, limit: 9 })).items)).toEqual([2, 4, 1, 3].map(idOf));
    expect(ids((await storage.jobs.list({ states: State.cancelled, limit: 9 })).items)).toEqual([2, 4, 3].map(idOf));
    expect(await pages(storage, { states: 0xff, limit: 2 })).toEqual(
      [[5, 2], [4, 1], [3]].map((page) => page.map(idOf)),
    );
  },
  async 'a cursor continues after its page although jobs came and went'(storage) {
    await insert(
      storage,
      numbers.map((number) => newJob(number)),
    );
    const first = await storage.jobs.list({ states: State.available, limit: 2 });
    expect(ids(first.items)).toEqual([5, 4].map(idOf));
    await insert(storage, [newJob(6)]);
    await storage.jobs.remove([idOf(4), idOf(2)], { from: State.available }, t0);
    const rest = await storage.jobs.list({ states: State.available, limit: 9, after: first.next ?? '', offset: 7 });
    expect(ids(rest.items)).toEqual([3, 1].map(idOf));
    expect(rest.next).toBeNull();
  },
  async 'an offset skips, and a page that is just full has no next where nothing follows'(storage) {
    await insert(
      storage,
      numbers.map((number) => newJob(number)),
    );
    const page = await storage.jobs.list({ states: State.available, limit: 3, offset: 2 });
    expect(ids(page.items)).toEqual([3, 2, 1].map(idOf));
    expect(page.next).toBeNull();
    expect(await storage.jobs.list({ states: State.available, limit: 3, offset: 9 })).toEqual({
      items: [],
      next: null,
    });
  },
  async 'an offset may pass ten thousand jobs, unfinished and finished'(storage) {
    const jobs = Array.from({ length: 10_010 }, (_, index) => newJob(index + 1));
    for (let at = 0; at < jobs.length; at += 1_000) await insert(storage, jobs.slice(at, at + 1_000));
    for (const number of [7, 10_008]) await move(storage, to(idOf(number), State.cancelled, Waiting), t0 + number);
    const page = await storage.jobs.list({ states: 0xff, limit: 9, offset: 10_004 });
    expect(ids(page.items)).toEqual([4, 3, 2, 1, 10_008, 7].map(idOf));
    expect(page.next).toBeNull();
  },
  async 'queue, type and dead letter narrow the list'(storage) {
    await insert(storage, [
      newJob(1, { queue: 'a' }),
      newJob(2, { type: 'x.y' }),
      newJob(3, { queue: 'a', type: 'x.y' }),
      newJob(4),
    ]);
    for (const number of [3, 4])
      await move(storage, to(idOf(number), State.discarded, Waiting, number === 3 ? { deadLetter: true } : {}));
    expect(ids((await storage.jobs.list({ states: 0xff, queue: 'a', limit: 9 })).items)).toEqual([1, 3].map(idOf));
    expect(ids((await storage.jobs.list({ states: 0xff, type: 'x.y', limit: 9 })).items)).toEqual([2, 3].map(idOf));
    expect(ids((await storage.jobs.list({ states: State.discarded, deadLetter: true, limit: 9 })).items)).toEqual([
      idOf(3),
    ]);
    expect(
      (await storage.jobs.list({ states: State.discarded, deadLetter: true, queue: 'default', limit: 9 })).items,
    ).toEqual([]);
    expect((await storage.jobs.list({ states: 0, limit: 9 })).items).toEqual([]);
  },
  async 'pages over many jobs of one state return each once'(storage) {
    const jobs = Array.from({ length: 700 }, (_, number) => newJob(number, number % 3 === 0 ? { queue: 'third' } : {}));
    await storage.jobs.insert([jobs], t0);
    await storage.jobs.transition(
      jobs.map(({ id }) => to(id, State.cancelled, Waiting)),
      t0,
    );
    const found = (await pages(storage, { states: State.cancelled, queue: 'third', limit: 50 })).flat();
    expect(found).toEqual(
      jobs
        .filter(({ queue }) => queue === 'third')
        .map(({ id }) => id)
        .reverse(),
    );
  },
  async 'oldest first is newest first backwards, in pages of any length'(storage) {
    await insert(storage, [
      ...numbers.map((number) => newJob(number, { queue: number % 2 === 0 ? 'even' : 'odd' })),
      newJob(6, { state: State.scheduled, runAt: t0 + 9 }),
      newJob(7, { state: State.pending }),
    ]);
    await move(storage, to(idOf(3), State.cancelled, Waiting), t0 + 1);
    await move(storage, to(idOf(1), State.discarded, Waiting, { deadLetter: true }), t0 + 2);
    await move(storage, to(idOf(4), State.completed, Waiting), t0 + 2);
    const order = { by: 'created', direction: 'asc' } as const;
    for (const filter of [
      { states: 0xff },
      { states: Terminal },
      { states: Waiting },
      { states: 0xff, queue: 'odd' },
    ]) {
      const expected = (await pages(storage, { ...filter, limit: 99 })).flat().reverse();
      for (const limit of [1, 2, 99])
        expect((await pages(storage, { ...filter, order, limit })).flat()).toEqual(expected);
      const { items } = await storage.jobs.list({ ...filter, order, offset: 2, limit: 2 });
      expect(ids(items)).toEqual(expected.slice(2, 4));
    }
    const dead = await storage.jobs.list({ states: State.discarded, deadLetter: true, order, limit: 9 });
    expect(ids(dead.items)).toEqual([idOf(1)]);
  },
  async 'scheduled and retryable jobs are listed by their start, both ways'(storage) {
    await insert(storage, [
      newJob(1, { state: State.scheduled, runAt: t0 + 30 }),
      newJob(2, { state: State.scheduled, runAt: t0 + 10, queue: 'other' }),
      newJob(3),
      newJob(4, { state: State.scheduled, runAt: t0 + 20, type: 'x.y' }),
      newJob(5, { state: State.scheduled, runAt: t0 + 10 }),
      newJob(6, { state: State.pending, runAt: t0 + 1 }),
    ]);
    await claim(storage);
    await move(storage, to(idOf(3), State.retryable, State.active, { runAt: t0 + 20 }));
    const states = State.scheduled | State.retryable;
    for (const direction of ['asc', 'desc'] as const) {
      const order = { by: 'due', direction } as const;
      const inOrder = (...expected: number[]) =>
        (direction === 'asc' ? expected : expected.toReversed()).map((number) => idOf(number));
      for (const limit of [1, 2, 9]) {
        expect((await pages(storage, { states, order, limit })).flat()).toEqual(inOrder(2, 5, 3, 4, 1));
        const scheduled = { states: State.scheduled, order, limit };
        expect((await pages(storage, scheduled)).flat()).toEqual(inOrder(2, 5, 4, 1));
        expect((await pages(storage, { ...scheduled, queue: 'default' })).flat()).toEqual(inOrder(5, 4, 1));
        expect((await pages(storage, { ...scheduled, type: 'x.y' })).flat()).toEqual(inOrder(4));
      }
      const far = await storage.jobs.list({ states, order, offset: 3, limit: 9 });
      expect(ids(far.items)).toEqual(inOrder(2, 5, 3, 4, 1).slice(3));
      for (const after of ['u3', 'p1.1'])
        await expect(storage.jobs.list({ states, order, limit: 1, after })).rejects.toThrow(ProtocolError);
    }
  },
  async 'available jobs of a queue are listed in the order of their starts, across limit groups, both ways'(storage) {
    const limits = [limitOf('a', { concurrency: 1 })];
    await insert(storage, [
      newJob(1),
      newJob(2, { priority: -100 }),
      newJob(3, { priority: 100, limits }),
      newJob(4, { limits: [limitOf('b', { concurrency: 9 })], type: 'x.y' }),
      newJob(5, { limits }),
      newJob(6, { priority: 7, type: 'x.y' }),
      newJob(7),
      newJob(8, { queue: 'other', priority: 9 }),
    ]);
    const expected = [3, 6, 1, 4, 5, 7, 2].map((number) => idOf(number));
    const query = { states: State.available, queue: 'default' };
    for (const direction of ['asc', 'desc'] as const) {
      const order = { by: 'priority', direction } as const;
      const inOrder = (all: readonly string[]) => (direction === 'desc' ? all : all.toReversed());
      for (const limit of [1, 2, 3, 99])
        expect((await pages(storage, { ...query, order, limit })).flat()).toEqual(inOrder(expected));
      const typed = await pages(storage, { ...query, type: 'x.y', order, limit: 1 });
      expect(typed.flat()).toEqual(inOrder([idOf(6), idOf(4)]));
      const far = await storage.jobs.list({ ...query, order, offset: 2, limit: 3 });
      expect(ids(far.items)).toEqual(inOrder(expected).slice(2, 5));
      expect((await storage.jobs.list({ ...query, queue: 'none', order, limit: 9 })).items).toEqual([]);
    }
  },
  async 'an invalid cursor is refused'(storage) {
    for (const after of ['nonsense', '', 'f1', 'u-1']) {
      await expect(storage.jobs.list({ states: 0xff, limit: 1, after })).rejects.toThrow(ProtocolError);
    }
  },
  async 'a page ends before the first job that does not fit, and has one job at least'(storage) {
    const jobs = [1, 2, 3, 4, 5].map((number) =>
      newJob(number, { envelope: `{"args":["${'x'.repeat(number === 3 ? 90_000 : 40_000)}"]}` }),
    );
    await insert(storage, jobs);
    await storage.jobs.transition([to(idOf(1), State.cancelled, Waiting), to(idOf(2), State.cancelled, Waiting)], t0);
    const expected = [[5, 4], [3], [2, 1]].map((page) => page.map(idOf));
    expect(await pages(storage, { states: 0xff, limit: 9, maxBytes: 100_000 })).toEqual(expected);
    const far = await storage.jobs.list({ states: 0xff, offset: 1, limit: 9, maxBytes: 1 });
    expect(ids(far.items)).toEqual([idOf(4)]);
    expect(await pages(storage, { states: 0xff, limit: 1, maxBytes: 1 })).toHaveLength(5);
  },
  async 'the few ended jobs of one queue or type are found among many of others, both ways'(storage) {
    const few = [1, 60, 61, 130];
    const isOne = (number: number) => few.includes(number);
    const all = Array.from({ length: 130 }, (_, index) => index + 1);
    const named = (number: number) => (isOne(number) ? { queue: 'rare', type: 'seldom' } : {});
    await insert(storage, [...all.map((number) => newJob(number, named(number))), newJob(131, named(1))]);
    await move(storage, to(idOf(131), State.cancelled, Waiting), t0 + 65);
    const jobs = await claim(storage, { queues: ['rare', 'default'], limit: 200 });
    const claims = new Map(jobs.map(({ id, claim }) => [id, claim]));
    // Each ends by itself; those of one time are many calls, too.
    for (const number of all) {
      const id = idOf(number);
      const end = completed({ id, claim: claims.get(id) ?? null, result: null });
      expect(await move(storage, end, t0 + number - (number % 3))).toMatchObject({ kind: 'moved' });
    }
    for (const filter of [{ queue: 'rare' }, { type: 'seldom' }, { queue: 'rare', type: 'seldom' }]) {
      for (const [states, numbers] of [
        [State.completed, [130, 61, 60, 1]],
        [Terminal, [130, 131, 61, 60, 1]],
      ] as const) {
        for (const direction of ['asc', 'desc'] as const) {
          const expected = (direction === 'desc' ? numbers : numbers.toReversed()).map(idOf);
          const query = { ...filter, states, order: { by: 'created', direction } } as const;
          for (const limit of [1, 2, 99]) expect((await pages(storage, { ...query, limit })).flat()).toEqual(expected);
        }
      }
    }
    expect(await pages(storage, { states: Terminal, queue: 'rare', type: 't', limit: 9 })).toEqual([[]]);
  },
  async 'the few waiting and cancelled jobs of one queue or type are found among thousands of others, both ways'(
    storage,
  ) {
    const count = 9_000;
    const few = [1, 1_024, 1_025, 4_096, 4_097, 6_000, 8_999];
    const moved = 2_500;
    const named = (number: number) => (few.includes(number) ? { queue: 'rare', type: 'seldom' } : {});
    const waits = (number: number) =>
      number % 3 === 0 ? { state: State.scheduled, runAt: t0 + 1 } : { state: State.available };
    const all = Array.from({ length: count }, (_, index) =>
      newJob(index + 1, { ...named(index + 1), ...waits(index + 1) }),
    );
    for (let at = 0; at < count; at += 1_000) await storage.jobs.insert([all.slice(at, at + 1_000)], t0);
    await move(storage, to(idOf(moved), State.available, Waiting, { queue: 'rare' }));
    // The newest job goes, and another one comes.
    await storage.jobs.remove([idOf(count)], { from: 0xff }, t0);
    await insert(storage, [newJob(count + 1, { queue: 'last', type: 'seldom' })]);
    const expectBoth = async (query: Omit<JobQuery, 'limit'>, newest: readonly number[], limits = [99]) => {
      for (const direction of ['asc', 'desc'] as const) {
        const expected = (direction === 'desc' ? newest : newest.toReversed()).map(idOf);
        for (const limit of limits)
          expect(
            (await pages(storage, { ...query, order: { by: 'created', direction }, limit })).flat(),
            `${JSON.stringify(query)} ${direction} by ${limit}`,
          ).toEqual(expected);
      }
    };
    const newest = few.toReversed();
    await expectBoth({ states: Waiting, type: 'seldom' }, [count + 1, ...newest]);
    await expectBoth({ states: State.scheduled, type: 'seldom' }, [6_000]);
    await expectBoth({ states: Waiting, queue: 'last' }, [count + 1]);
    const rare = [8_999, 6_000, 4_097, 4_096, moved, 1_025, 1_024, 1];
    await expectBoth({ states: Waiting, queue: 'rare' }, rare, [3, 99]);
    await expectBoth({ states: Waiting, queue: 'rare', type: 'seldom' }, newest);
    await expectBoth({ states: Waiting, queue: 'last', type: 'email.send' }, []);
    // Those of thousands that ended in two moments.
    const cancels = all.slice(0, 5_000).map(({ id }) => to(id, State.cancelled, Waiting));
    for (let at = 0; at < cancels.length; at += 500)
      await storage.jobs.transition(cancels.slice(at, at + 500), t0 + Math.floor(at / 2_500));
    await expectBoth({ states: State.cancelled, type: 'seldom' }, [4_097, 4_096, 1_025, 1_024, 1], [2, 99]);
    await expectBoth({ states: 0xff, queue: 'rare' }, rare);
  },
};
