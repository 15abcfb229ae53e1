import { type JobFilter, State, select } from '@ojs-ts/core/job';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bench, items, newJob } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

describe.each(storages)('select, $name', ({ url }) => {
  test('pages of any size return each matching job once, in the order of the list, over more jobs than one read', async () => {
    await using b = await bench(url());
    const jobs = Array.from({ length: 1_300 }, (_, index) =>
      newJob(b.clock.now(), { priority: (index * 7) % 5 === 0 || index > 1_290 ? 1 : 0 }),
    );
    await b.engine.jobs.push(items(jobs));
    const filter: JobFilter = { states: State.available, priority: 1 };
    const expected = jobs
      .filter(({ priority }) => priority === 1)
      .map(({ id }) => id)
      .reverse();
    for (const limit of [7, 100, 499, 1_000]) {
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof select>> = await select(b.engine.storage, filter, { after, limit });
        expect(page.jobs.length).toBeLessThanOrEqual(limit);
        seen.push(...page.jobs.map(({ id }) => id));
        after = page.next;
      } while (after !== null);
      expect(seen).toEqual(expected);
    }
    const { jobs: some, skipped } = await select(b.engine.storage, filter, { offset: 150, limit: 20 });
    expect([skipped, some.map(({ id }) => id)]).toEqual([150, expected.slice(150, 170)]);
  });

  test('every filter follows the same rule', async () => {
    await using b = await bench(url());
    const start = b.clock.now();
    const types = ['a.b', 'a.c', 'b.a'];
    const queues = ['x', 'y'];
    for (let index = 0; index < 24; index++) {
      const type = types[index % 3] ?? '';
      const queue = queues[index % 2] ?? '';
      await b.push({ type, queue, priority: index % 4, createdAt: start + index });
    }
    const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const filters = fc.record({
      type: optional(fc.constantFrom('a.b', 'a.*', '*', 'z')),
      queue: optional(fc.constantFrom('x', 'y', 'z')),
      priority: optional(fc.nat(4)),
      from: optional(fc.nat(24)),
      before: optional(fc.nat(24)),
      limit: fc.integer({ min: 1, max: 30 }),
    });
    const { items: all } = await b.engine.storage.jobs.list({ states: State.available, limit: 100 });
    await fc.assert(
      fc.asyncProperty(filters, async ({ type, queue, priority, from, before, limit }) => {
        const filter: JobFilter = {
          states: State.available,
          ...(type !== undefined && { type }),
          ...(queue !== undefined && { queue }),
          ...(priority !== undefined && { priority }),
          created: {
            ...(from !== undefined && { from: start + from }),
            ...(before !== undefined && { before: start + before }),
          },
        };
        const wanted = all.filter(
          (job) =>
            (type === undefined || new RegExp(`^${type.replace('*', '.*')}$`).test(job.type)) &&
            (queue === undefined || job.queue === queue) &&
            (priority === undefined || job.priority === priority) &&
            (from === undefined || job.createdAt >= start + from) &&
            (before === undefined || job.createdAt < start + before),
        );
        const { jobs, next } = await select(b.engine.storage, filter, { limit });
        expect(jobs.map(({ id }) => id)).toEqual(wanted.slice(0, limit).map(({ id }) => id));
        if (wanted.length > limit) expect(next).not.toBeNull();
      }),
    );
  });

  test('a part ends after a number of jobs, or when it is over, and the next one continues there', async () => {
    await using b = await bench(url());
    const jobs = Array.from({ length: 1_300 }, (_, index) =>
      newJob(b.clock.now(), { type: index === 0 ? 'old.one' : 'a.b' }),
    );
    await b.engine.jobs.push(items(jobs));
    const { storage } = b.engine;
    const filter: JobFilter = { states: State.available, matches: ({ type }) => type === 'old.one' };
    const first = await select(storage, filter, { limit: 10, maxSeen: 1_000 });
    expect(first).toMatchObject({ jobs: [], seen: 1_000, cut: false });
    expect(await select(storage, filter, { after: first.next, limit: 10, maxSeen: 1_000 })).toMatchObject({
      jobs: [{ id: jobs[0]?.id }],
      seen: 300,
      next: null,
    });
    expect(await select(storage, filter, { limit: 10, isOver: () => true })).toMatchObject({ jobs: [], seen: 500 });
    expect(await select(storage, filter, { after: first.next, limit: 10, maxSeen: 0 })).toMatchObject({
      seen: 0,
      next: first.next,
    });
    expect(await select(storage, { ...filter, states: 0 }, { limit: 10 })).toMatchObject({
      jobs: [],
      seen: 0,
      next: null,
    });
  });

  test('jobs by their ids, newest first, in pages', async () => {
    await using b = await bench(url());
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push(await b.push({ priority: index % 2 }));
    const { storage } = b.engine;
    const filter: JobFilter = { states: State.available, ids: [...ids, newId()] };
    const newest = ids.toReversed();
    const first = await select(storage, filter, { limit: 3 });
    expect(first).toMatchObject({ seen: 6, skipped: 0, next: newest[2] });
    expect(first.jobs.map(({ id }) => id)).toEqual(newest.slice(0, 3));
    const second = await select(storage, filter, { after: first.next, limit: 3 });
    expect(second).toMatchObject({ seen: 2, next: null });
    expect(second.jobs.map(({ id }) => id)).toEqual(newest.slice(3));
    const odd = await select(storage, { ...filter, priority: 1 }, { limit: 3, offset: 1 });
    expect([odd.skipped, odd.next, odd.jobs.map(({ id }) => id)]).toEqual([1, null, [ids[1]]]);
  });
});
