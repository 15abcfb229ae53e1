import { type JobFilter, State, select } from '@ojs-ts/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bench, items, newJob } from '../../support/engine.ts';
import { storages } from '../../support/storages.ts';

describe.each(storages)('select, $name', ({ url }) => {
  test('pages of any size return each matching job once, in the order of the list, over more jobs than one read', async () => {
    await using b = await bench(url());
    const jobs = Array.from({ length: 1_300 }, (_, index) =>
      newJob(b.clock.now(), { priority: (index * 7) % 5 === 0 || index > 1_290 ? 1 : 0 }),
    );
    await b.engine.push(items(jobs));
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
});
