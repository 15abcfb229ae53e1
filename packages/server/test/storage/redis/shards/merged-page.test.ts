import { ProtocolError } from '@ojs-ts/core';
import { State, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import type { JobQuery, Storage } from '../../../../src/storage/storage.ts';
import { claimOf, idOf, ids, insert, newJob, newNode, newWorkflow, t0, to } from '../../suite/tools.ts';
import { test } from '../namespace.ts';
import { openSharded } from './stores.ts';

const map = 'home:a;b:b;c:*';
const queues = ['a', 'b', 'c'];

test('pages over the jobs of all namespaces have each job once, in order, while jobs are added and removed', async () => {
  await using storage = await openSharded(map);
  const jobs = Array.from({ length: 30 }, (_, number) =>
    newJob(number, { queue: queues[(number * 7) % 3] ?? '', createdAt: t0 + number }),
  );
  await insert(storage, jobs);
  const ended = jobs.slice(10, 20);
  for (const [at, { id }] of ended.entries())
    await storage.jobs.transition([to(id, State.cancelled, Waiting)], t0 + 100 + at);
  const expected = [...jobs.slice(20).reverse(), ...jobs.slice(0, 10).reverse(), ...ended.toReversed()].map(
    ({ id }) => id,
  );
  for (const limit of [1, 3, 30, 31]) expect((await pages(storage, { states: 0xff, limit })).flat()).toEqual(expected);
  expect(ids((await storage.jobs.list({ states: 0xff, offset: 8, limit: 4 })).items)).toEqual(expected.slice(8, 12));
  const first = await storage.jobs.list({ states: 0xff, limit: 12 });
  await insert(storage, [newJob(90, { queue: 'b' })]);
  await storage.jobs.remove([expected[11] ?? '', expected[12] ?? ''], { from: 0xff }, t0);
  const rest = await storage.jobs.list({ states: 0xff, limit: 99, after: first.next ?? '' });
  expect(ids(rest.items)).toEqual(expected.slice(13));
  expect(rest.next).toBeNull();
  const ofQueue = (await pages(storage, { states: 0xff, queue: 'b', limit: 2 })).flat();
  expect(ofQueue).toHaveLength(new Set(ofQueue).size);
  for (const after of ['m', 'm-_-', 'm-_-_-_-', 'mx_-_-', 'u5', 'f1.2']) {
    await expect(storage.jobs.list({ states: 0xff, limit: 1, after })).rejects.toThrow(ProtocolError);
  }
});

test('a list that goes up has what ends later behind its cursor, in every namespace', async () => {
  await using storage = await openSharded(map);
  const jobs = ['a', 'a', 'b'].map((queue, number) => newJob(200 + number, { queue }));
  await insert(storage, jobs);
  const [first, second, later] = ids(jobs);
  const cancel = (id: string | undefined, at: number) =>
    storage.jobs.transition([to(id ?? '', State.cancelled, Waiting)], at);
  await cancel(first, t0 + 1);
  await cancel(second, t0 + 2);
  const up = { states: State.cancelled, order: { by: 'created', direction: 'asc' }, limit: 1 } as const;
  const page = await storage.jobs.list(up);
  expect(ids(page.items)).toEqual([first]);
  const after = page.next ?? '';
  await cancel(later, t0 + 3);
  expect(ids((await storage.jobs.list({ ...up, limit: 9, after })).items)).toEqual([second, later]);
});

test('workflows, limits and active jobs of all namespaces have pages too', async () => {
  await using storage = await openSharded(map);
  const flows = Array.from({ length: 7 }, (_, number) => `w${number}`);
  for (const [at, id] of flows.entries()) {
    const spec = `{"run":{"type":"x","queue":"${queues[at % 3]}","args":[]}}`;
    await storage.workflows.create(newWorkflow({ id }), [newNode(0, { spec, job: idOf(at) })], [], t0 + at);
  }
  const found: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page: Awaited<ReturnType<Storage['workflows']['list']>> = await storage.workflows.list({
      states: null,
      limit: 2,
      ...(after !== '' && { after }),
    });
    expect(page.total).toBe(7);
    found.push(...page.items.map(({ id }) => id));
    after = page.next;
  }
  expect(found).toEqual(flows.toReversed());
  for (const [at, key] of ['queue:a', 'queue:b', 'queue:c', 'k'].entries()) {
    await storage.registry.overrideLimit(key, { concurrency: at, rates: [] }, t0);
  }
  const first = await storage.registry.limits({ limit: 3 });
  expect([first.items.map(({ key }) => key), first.next, first.total]).toEqual([
    ['k', 'queue:a', 'queue:b'],
    'queue:b',
    4,
  ]);
  expect((await storage.registry.limits({ after: 'queue:b', limit: 3 })).items.map(({ key }) => key)).toEqual([
    'queue:c',
  ]);

  const jobs = Array.from({ length: 9 }, (_, number) => newJob(100 + number, { queue: queues[number % 3] ?? '' }));
  for (const queue of queues) await storage.registry.overrideLimit(`queue:${queue}`, null, t0);
  await insert(storage, jobs);
  await storage.jobs.claim(
    queues.map((queue) => claimOf({ queues: [queue], limit: 9 })),
    t0,
  );
  const held: string[] = [];
  for (let after: string | null = null, more = true; more; more = after !== null) {
    const page: Awaited<ReturnType<Storage['upkeep']['held']>> = await storage.upkeep.held(after, 2);
    held.push(...ids(page.items));
    after = page.next;
  }
  expect(held.toSorted()).toEqual(ids(jobs).toSorted());
});

async function pages(storage: Storage, query: JobQuery): Promise<readonly (readonly string[])[]> {
  const found: (readonly string[])[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page = await storage.jobs.list({ ...query, ...(after !== '' && { after }) });
    found.push(ids(page.items));
    after = page.next;
  }
  return found;
}
