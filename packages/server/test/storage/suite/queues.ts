import { State, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import type { QueueRecord } from '../../../src/storage/storage.ts';
import {
  allLimits,
  type Cases,
  claim,
  claimOne,
  countErrors,
  eventLog,
  idOf,
  insert,
  inserted,
  insertGroup,
  insertOne,
  limitOf,
  move,
  newJob,
  queue,
  t0,
  to,
  uniqueOf,
} from './tools.ts';

const plain: QueueRecord = {
  name: 'default',
  paused: false,
  createdAt: t0,
  counts: {},
  deadLetter: 0,
  capacity: null,
  config: '{}',
  version: 0,
};
const full = (depth: number, bound: number) => ({ kind: 'full', queue: 'default', depth, bound });
const paused = { kind: 'paused', queue: 'default' };

export const queueCases: Cases = {
  async 'queues are read by their names, and those with settings apart from the others'(storage) {
    const { registry } = storage;
    await insert(storage, [newJob(1), newJob(2, { queue: 'a.b' }), newJob(3, { queue: 'c' })]);
    await registry.configureQueue('c', { capacity: 5, config: '{"maxDepth":5}' }, t0);
    await registry.configureQueue('empty', { config: '{"maxDepth":6}' }, t0);
    await registry.pauseQueue('paused', true, t0);
    const all = await registry.queues();
    expect(all.map(({ name }) => name)).toEqual(['a.b', 'c', 'default', 'empty', 'paused']);
    expect(await registry.queues(['default', 'nowhere', 'c', 'paused', 'default', 'empty'])).toEqual(all.slice(1));
    expect(await registry.queues([])).toEqual([]);
    expect(await registry.queues('configured')).toEqual([all[1], all[3]]);
    await registry.configureQueue('c', { capacity: null, config: '{}' }, t0);
    expect(await registry.queues('configured')).toEqual([all[3]]);
  },
  async 'the oldest job of a queue is the one that is available longest, whatever its priority and its limits'(
    storage,
  ) {
    const limits = [limitOf('a', { concurrency: 1 })];
    const oldest = async (...queues: string[]) =>
      Object.fromEntries(
        (await storage.registry.oldest(queues)).map(({ queue, enqueuedAt }) => [queue, enqueuedAt - t0]),
      );
    const at = (ms: number) => ({ createdAt: t0 + ms, runAt: t0 + ms });
    expect(await oldest('default', 'none')).toEqual({});
    await insert(storage, [newJob(1, { ...at(1), limits })], t0 + 1);
    await insert(storage, [newJob(2, { ...at(2), priority: -100 })], t0 + 2);
    await insert(storage, [newJob(3, { ...at(3), limits }), newJob(4, { ...at(3), priority: 100 })], t0 + 3);
    await insert(storage, [newJob(5, { ...at(4), queue: 'b', limits: [limitOf('b', { concurrency: 1 })] })], t0 + 4);
    await insert(storage, [newJob(6, { ...at(5), queue: 'c', state: State.pending })], t0 + 5);
    await storage.registry.pauseQueue('b', true, t0 + 5);
    expect(await oldest('default', 'b', 'c')).toEqual({ default: 1, b: 4 });
    expect(await oldest('b')).toEqual({ b: 4 });
    await storage.jobs.remove([idOf(1)], { from: Waiting }, t0 + 6);
    expect(await oldest('default')).toEqual({ default: 2 });
    expect((await claimOne(storage)).id).toBe(idOf(4));
    expect((await claimOne(storage)).id).toBe(idOf(3));
    expect((await claimOne(storage)).id).toBe(idOf(2));
    expect(await oldest('default')).toEqual({});
    await move(storage, to(idOf(2), State.available, State.active), t0 + 9);
    expect(await oldest('default')).toEqual({ default: 9 });
  },
  async 'a queue appears with its first job, or by name of an operator, and stays'(storage) {
    expect(await storage.registry.queues()).toEqual([]);
    await insert(storage, [newJob(1, { queue: 'b' })], t0 + 1);
    await storage.registry.pauseQueue('a', false, t0 + 2);
    await storage.jobs.remove([idOf(1)], { from: Waiting }, t0);
    expect(await storage.registry.queues()).toEqual([
      { ...plain, name: 'a', createdAt: t0 + 2 },
      { ...plain, name: 'b', createdAt: t0 + 1 },
    ]);
  },
  async 'pause and resume answer the queue and are logged where they change it'(storage) {
    await insert(storage, [newJob(1)]);
    const paused = { ...plain, paused: true, counts: { [State.available]: 1 } };
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
  async 'calls see each other in order, made at once where they are carried out in this process'(storage) {
    const atOnce = storage.traits.inProcess;
    const inserting = storage.jobs.insert([[newJob(1)], [newJob(2)]], t0);
    if (!atOnce) await inserting;
    const pausing = storage.registry.pauseQueue('default', true, t0);
    if (!atOnce) await pausing;
    const taking = claim(storage);
    if (!atOnce) await taking;
    const resuming = storage.registry.pauseQueue('default', false, t0);
    if (!atOnce) await resuming;
    const [paused, taken, resumed, more] = await Promise.all([pausing, taking, resuming, claim(storage), inserting]);
    expect(paused.counts).toEqual({ [State.available]: 2 });
    expect(taken).toEqual([]);
    expect(resumed.paused).toBe(false);
    expect(more.map(({ id }) => id)).toEqual([idOf(1)]);
  },
  async 'an operator configures an existing or a new queue; settings that a patch does not name stay'(storage) {
    const { configureQueue } = storage.registry;
    const config = '{"a":1.0}';
    expect(await configureQueue('default', { capacity: 5 }, t0)).toEqual({ ...plain, capacity: 5, version: 1 });
    expect(await configureQueue('default', { config }, t0 + 1)).toEqual({ ...plain, capacity: 5, config, version: 2 });
    expect(await configureQueue('default', {}, t0 + 1)).toEqual({ ...plain, capacity: 5, config, version: 3 });
    expect(await configureQueue('default', { capacity: null }, t0 + 2)).toEqual({ ...plain, config, version: 4 });
    expect(await storage.registry.queues()).toEqual([{ ...plain, config, version: 4 }]);
    expect(await eventLog(storage)).toEqual([]);
  },
  async 'a configuration that expects a version is written only over that one, its limit in the same commit'(storage) {
    const { configureQueue, limit, pauseQueue } = storage.registry;
    const slots = (concurrency: number) => ({ concurrency, rates: [] });
    expect(await configureQueue('default', { capacity: 5 }, t0, 1)).toBeNull();
    expect(await storage.registry.queues()).toEqual([]);
    expect(await configureQueue('default', { limit: slots(1) }, t0, 0)).toEqual({ ...plain, version: 1 });
    expect(await limit('queue:default')).toMatchObject({ override: slots(1) });
    expect(await configureQueue('default', { capacity: 5, limit: slots(2) }, t0, 0)).toBeNull();
    await pauseQueue('default', false, t0);
    expect(await configureQueue('default', { capacity: 5 }, t0, 1)).toEqual({ ...plain, capacity: 5, version: 2 });
    expect(await limit('queue:default')).toMatchObject({ override: slots(1) });
    await configureQueue('default', { limit: null }, t0, 2);
    expect(await limit('queue:default')).toMatchObject({ override: null });
  },
  async 'only a queue without a job is forgotten, with its own limit'(storage) {
    const { removeQueue, configureQueue, overrideLimit } = storage.registry;
    expect(await removeQueue('default')).toBe(false);
    await configureQueue('default', { capacity: 1 }, t0);
    await overrideLimit('queue:default', { concurrency: 0, rates: [] }, t0);
    await insert(storage, [newJob(1)]);
    await move(storage, to(idOf(1), State.cancelled, Waiting));
    expect(await removeQueue('default')).toBe(false);
    await storage.jobs.remove([idOf(1)], { from: State.cancelled }, t0);
    expect(await removeQueue('default')).toBe(true);
    expect(await removeQueue('default')).toBe(false);
    expect([await storage.registry.queues(), await allLimits(storage)]).toEqual([[], []]);
    await insert(storage, [newJob(2)], t0 + 5);
    expect(await queue(storage)).toEqual({ ...plain, createdAt: t0 + 5, counts: { [State.available]: 1 } });
    expect((await claimOne(storage)).id).toBe(idOf(2));
  },
  async 'a full queue refuses: available, scheduled and retryable jobs count, active and pending ones do not (ojs-backpressure §4)'(
    storage,
  ) {
    await storage.registry.configureQueue('default', { capacity: 3 }, t0);
    await insert(storage, [newJob(1), newJob(2), newJob(3)]);
    expect(await insertOne(storage, newJob(4))).toEqual(full(3, 3));
    await claim(storage, { limit: 2 });
    await insert(storage, [newJob(4, { state: State.scheduled, runAt: t0 + 9 })]);
    await move(storage, to(idOf(1), State.retryable, State.active, { runAt: t0 + 9 }));
    expect(await insertOne(storage, newJob(5))).toEqual(full(3, 3));
    expect(await insertOne(storage, newJob(5, { state: State.pending }))).toEqual(inserted);
    // A retry, an activation and a promotion always come back.
    await move(storage, to(idOf(2), State.available, State.active));
    await move(storage, to(idOf(5), State.available, State.pending));
    await storage.upkeep.promote(t0 + 9, 9);
    expect((await queue(storage))?.counts).toEqual({ [State.available]: 5 });
    expect(await insertOne(storage, newJob(6))).toEqual(full(5, 3));
    expect(await storage.jobs.get([idOf(6)])).toEqual([null]);
  },
  async 'a group fits into a queue as a whole or not at all; every job that does not fit says so'(storage) {
    await storage.registry.configureQueue('default', { capacity: 2 }, t0);
    await insert(storage, [newJob(1)]);
    const group = [newJob(2), newJob(3, { queue: 'other' }), newJob(4), newJob(5)];
    expect(await insertGroup(storage, group)).toEqual([
      { kind: 'aborted' },
      { kind: 'aborted' },
      full(1, 2),
      full(1, 2),
    ]);
    expect(await queue(storage, 'other')).toBeUndefined();
    const answers = await storage.jobs.insert([[newJob(2)], [newJob(3)], [newJob(1)]], t0);
    expect(answers).toMatchObject([[inserted], [full(2, 2)], [{ kind: 'already' }]]);
  },
  async 'jobs that a group replaces make room, and a node of a workflow always fits'(storage) {
    await storage.registry.configureQueue('default', { capacity: 1 }, t0);
    await insert(storage, [newJob(1, { unique: uniqueOf() })]);
    const node = { workflow: 'w', index: 0 };
    expect(await insertOne(storage, newJob(2))).toEqual(full(1, 1));
    expect(await insertOne(storage, newJob(2, { node }))).toEqual(inserted);
    const replacing = newJob(3, { unique: uniqueOf({ onConflict: 'replace' }) });
    expect(await insertOne(storage, replacing)).toEqual(full(2, 1));
    await storage.registry.configureQueue('default', { capacity: 2 }, t0);
    expect(await insertOne(storage, replacing)).toEqual({ kind: 'inserted', replaced: [idOf(1)] });
    expect((await queue(storage))?.counts).toEqual({ [State.available]: 2, [State.cancelled]: 1 });
  },
  async 'a paused queue accepts new jobs, or with refusePaused refuses them, except for a repeated call and a node'(
    storage,
  ) {
    await insert(storage, [newJob(1)]);
    await storage.registry.pauseQueue('default', true, t0);
    const push = (...group: Parameters<typeof newJob>[]) =>
      storage.jobs
        .insert([group.map((job) => newJob(...job))], t0, { refusePaused: true })
        .then(([answers]) => answers);
    expect(await push([2, { state: State.scheduled, runAt: t0 + 9 }])).toEqual([paused]);
    expect(await push([3, { queue: 'other' }], [4])).toEqual([{ kind: 'aborted' }, paused]);
    expect(await push([1])).toMatchObject([{ kind: 'already' }]);
    expect(await push([5, { node: { workflow: 'w', index: 0 } }])).toEqual([inserted]);
    expect(await insertOne(storage, newJob(6))).toEqual(inserted);
  },
  async 'counts follow every kind of change'(storage) {
    await storage.jobs.insert(
      [
        Array.from({ length: 30 }, (_, number) =>
          newJob(number, { queue: `q${number % 3}`, expiresAt: number === 2 ? t0 + 1 : null }),
        ),
      ],
      t0,
    );
    const jobs = await claim(storage, { queues: ['q0', 'q1', 'q2'], limit: 25 }, t0 + 5);
    const ends = [State.completed, State.retryable, State.cancelled, State.discarded, State.available];
    await storage.jobs.transition(
      jobs.map(({ id }, index) =>
        to(id, ends[index % ends.length] ?? State.completed, State.active, {
          deadLetter: index % 2 === 0,
          runAt: t0 + 6,
        }),
      ),
      t0 + 5,
    );
    await move(storage, to(idOf(29), State.cancelled, Waiting), t0 + 5);
    await storage.upkeep.promote(t0 + 6, 2);
    await storage.jobs.remove([idOf(0), idOf(3)], { from: 0xff }, t0);
    expect(await countErrors(storage)).toEqual([]);
  },
};
