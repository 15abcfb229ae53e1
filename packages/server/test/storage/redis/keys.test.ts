import { State, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { claim, idOf, insert, limitOf, move, newJob, newNode, newWorkflow, t0, to, uniqueOf } from '../suite/tools.ts';
import { keysOf, namespaceUrl, test } from './namespace.ts';

const later = t0 + 1e9;

/** Retention that keeps nothing. */
async function pruneAll(storage: Storage): Promise<void> {
  const all = { before: later, keep: 0 };
  const jobs = [State.completed, State.cancelled, State.discarded].flatMap((state) =>
    [true, false].map((deadLetter) => ({ state, deadLetter, ...all })),
  );
  const times = {
    statisticsBefore: later,
    auditBefore: later,
    requestsBefore: later,
    workersBefore: later,
    limitsBefore: later,
  };
  await storage.upkeep.prune({ jobs, events: all, workflows: all, ...times }, 1000);
}

test('after all jobs are pruned and all queues removed, only fixed keys are left', async () => {
  const url = namespaceUrl();
  await using storage = await redisStorage({ url });
  await storage.migrate();
  const rate = limitOf('rate', { concurrency: 3, rates: [{ count: 5, perMs: 50 }] });
  const slot = limitOf('slot', { concurrency: 1 });
  await insert(storage, [
    newJob(1, { limits: [rate, slot], unique: uniqueOf() }),
    newJob(2, { limits: [slot], priority: 5, cron: 'c' }),
    newJob(3, { state: State.scheduled, runAt: t0 + 5, expiresAt: t0 + 5 }),
    newJob(4, { state: State.pending, queue: 'b', expiresAt: t0 + 3, unique: uniqueOf({ key: 'other' }) }),
    newJob(5, { queue: 'b' }),
    newJob(6, { limits: [rate, slot] }),
  ]);
  await storage.registry.configureQueue(
    'b',
    { capacity: 9, config: '{"a":1}', limit: { concurrency: 4, rates: [{ count: 9, perMs: 9 }] } },
    t0,
  );
  await storage.upkeep.lease('l', 'me', 50, t0);
  await storage.workflows.create(newWorkflow(), [newNode(7)], [], t0);
  await storage.workflows.advance(
    [
      {
        kind: 'start',
        node: { workflow: 'w', index: 7 },
        job: newJob(7, { node: { workflow: 'w', index: 7 } }),
        events: [],
      },
    ],
    t0,
  );
  await claim(storage, { request: 'r', queues: ['default', 'b'], limit: 9 });
  const holds = [{ id: idOf(2), claim: 1 }];
  await storage.registry.beat([{ worker: 'w1', holds, leaseMs: null, state: 'running', info: '{}' }], t0);
  await storage.upkeep.promote(t0 + 5, 9);
  await move(storage, to(idOf(2), State.active, State.active, { progress: `"${'p'.repeat(400)}"`, checkpoint: '1' }));
  const long = `"${'r'.repeat(1000)}"`;
  await move(
    storage,
    to(idOf(2), State.discarded, State.active, { deadLetter: true, result: long, history: '{"kind":"failed"}' }),
  );
  for (const number of [1, 4, 5, 6, 7])
    await move(storage, to(idOf(number), State.cancelled, Waiting | State.active, { result: long }));
  await storage.workflows.cancel('w', [], t0);
  await storage.workflows.swept('w');
  await storage.upkeep.release('l', 'me');

  expect((await storage.jobs.list({ states: Waiting | State.active, limit: 9 })).items).toEqual([]);
  await pruneAll(storage);
  expect((await storage.jobs.list({ states: 0xff, limit: 9 })).items).toEqual([]);
  expect(await keysOf(url)).toEqual(
    'configs flows:number layout limit:names limits queues segments starts:queue:b store'.split(' '),
  );
  for (const { name } of await storage.registry.queues()) expect(await storage.registry.removeQueue(name)).toBe(true);
  expect(await keysOf(url)).toEqual(['flows:number', 'layout', 'segments', 'store']);
});

test('unfinished jobs that are removed leave only keys of their queue, their limit and the log', async () => {
  const url = namespaceUrl();
  await using storage = await redisStorage({ url });
  await storage.migrate();
  const limits = [limitOf('k', { concurrency: 1, rates: [{ count: 1, perMs: 50 }] })];
  const all = { limits, unique: uniqueOf({ states: 0 }), expiresAt: t0 + 9, laterExpiresAt: t0 + 9, cron: 'c' };
  await insert(storage, [
    newJob(1, all),
    newJob(2, all),
    newJob(3, { ...all, state: State.scheduled }),
    newJob(4, { ...all, state: State.pending }),
  ]);
  await claim(storage, { limit: 9 });
  await storage.jobs.remove([1, 2, 3, 4].map(idOf), { from: 0xff }, t0);
  const log = ['log', 'log:job.scheduled'];
  const kept = [
    ...'entries layout limit:idle limit:names limits'.split(' '),
    ...log,
    'queues',
    'segments',
    'starts:k',
    'store',
  ];
  expect((await keysOf(url)).filter((key) => !/^m(inutes)?(:|$)/.test(key))).toEqual(kept);
});
