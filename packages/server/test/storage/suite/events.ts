import type { EventKind } from '@ojs-ts/core/events';
import { State, Waiting } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import {
  type Cases,
  claim,
  countErrors,
  eventLog,
  idOf,
  insert,
  keepAll,
  move,
  newJob,
  newNode,
  newWorkflow,
  t0,
  to,
} from './tools.ts';

/** Over a store with events switched off. */
export const unloggedCases: Cases = {
  async 'nothing is logged and positions stay 0; all else works'(storage) {
    await insert(storage, [
      newJob(1, { expiresAt: t0 + 1 }),
      newJob(2),
      newJob(3, { state: State.scheduled, runAt: t0 + 1 }),
    ]);
    const jobs = await claim(storage, { limit: 9 }, t0 + 1);
    expect(jobs.map(({ id }) => id)).toEqual([idOf(2), idOf(3)]);
    await storage.registry.beat(
      [{ worker: 'w1', holds: [{ id: idOf(2), claim: 1 }], leaseMs: null, state: 'running', info: '{}' }],
      t0 + 1,
    );
    await move(storage, to(idOf(2), State.discarded, State.active, { events: [{ kind: 'job.failed' }] }), t0 + 1);
    await storage.registry.pauseQueue('default', true, t0 + 1);
    await storage.workflows.create(newWorkflow(), [newNode(9)], [bulk], t0 + 1);
    await storage.record([bulk], t0 + 1);
    expect(await storage.events(0, 9)).toEqual({ batches: [], oldest: 1, newest: 0, reached: 0 });
    const counted = { enqueued: 3, started: 2, failed: 1, discarded: 2 };
    expect(await storage.registry.statistics(t0)).toMatchObject([counted]);
    expect(await countErrors(storage)).toEqual([]);
  },
};

const bulk = '["bulk.cancel.completed","b",null,"",null,null,0,null,null,null,{"n":1.0}]';

const pause = '["queue.paused",null,null,"a",null,null,0,null,null,null,null]';
const failure = '["job.failed","x","t","a",8,32,1,null,null,null,null]';

export const eventCases: Cases = {
  async 'a read of rare kinds has their batches alone, and says that it has seen all'(storage) {
    await storage.jobs.insert([[newJob(1), newJob(2)]], t0);
    await storage.record([pause, failure], t0 + 1);
    await claim(storage, { limit: 2 }, t0 + 2);
    await storage.record([bulk], t0 + 3);
    await storage.record([pause], t0 + 4);
    await storage.jobs.insert([[newJob(3)]], t0 + 5);
    const read = async (after: number, limit: number, ...kinds: EventKind[]) => {
      const { batches, reached } = await storage.events(after, limit, kinds);
      return [batches.map(({ position }) => position), reached];
    };
    expect(await read(0, 99, 'queue.paused')).toEqual([[3, 8], 9]);
    expect(await read(0, 1, 'queue.paused')).toEqual([[3], 4]);
    expect(await read(3, 99, 'queue.paused')).toEqual([[3, 8], 9]);
    expect(await read(4, 99, 'queue.paused')).toEqual([[8], 9]);
    // The batch with position 4 ends there, and uses up none of the limit.
    expect(await read(4, 1, 'queue.paused')).toEqual([[8], 8]);
    expect(await read(8, 99, 'queue.paused')).toEqual([[], 9]);
    expect(await read(0, 3, 'bulk.cancel.completed', 'job.failed')).toEqual([[3, 7], 7]);
    expect(await read(0, 99, 'cron.skipped')).toEqual([[], 9]);
    expect(await read(0, 99)).toEqual([[], 9]);
    expect(await read(0, 99, 'queue.paused', 'job.started')).toEqual([[1, 3, 5, 7, 8, 9], 9]);
  },
  async 'a read backwards has the newest batches first'(storage) {
    expect(await storage.eventsBefore(9, 9)).toEqual({ batches: [], oldest: 1, newest: 0, reached: 1 });
    await storage.jobs.insert([[newJob(1), newJob(2)]], t0);
    await storage.record([pause, failure], t0 + 1);
    await storage.jobs.insert([[newJob(3)]], t0 + 2);
    await storage.record([pause], t0 + 3);
    const read = async (before: number, limit: number, kinds?: EventKind[]) => {
      const { batches, oldest, newest, reached } = await storage.eventsBefore(before, limit, kinds);
      expect([oldest, newest]).toEqual([1, 6]);
      return [batches.map(({ position }) => position), reached];
    };
    const end = Number.MAX_SAFE_INTEGER;
    expect(await read(end, 99)).toEqual([[6, 5, 3, 1], 1]);
    expect(await read(end, 2)).toEqual([[6, 5], 5]);
    expect(await read(5, 2)).toEqual([[3], 3]);
    expect(await read(4, 99)).toEqual([[3, 1], 1]);
    expect(await read(end, 99, ['queue.paused'])).toEqual([[6, 3], 1]);
    expect(await read(end, 1, ['queue.paused'])).toEqual([[6], 6]);
    expect(await read(6, 1, ['queue.paused'])).toEqual([[3], 3]);
    expect(await read(3, 99, ['queue.paused'])).toEqual([[], 1]);
    expect(await read(end, 99, ['queue.paused', 'job.enqueued'])).toEqual([[6, 5, 3, 1], 1]);
  },
  async 'what was pruned is in no index'(storage) {
    await storage.record([pause], t0);
    await storage.record([pause], t0 + 1);
    await storage.upkeep.prune({ ...keepAll, events: { before: t0 + 1, keep: 9 } }, 9);
    const { batches, oldest } = await storage.events(0, 9, ['queue.paused']);
    expect([batches.map(({ position }) => position), oldest]).toEqual([[2], 2]);
    expect(await storage.eventsBefore(9, 9, ['queue.paused'])).toMatchObject({ reached: 2 });
  },
  async 'positions are contiguous from 1, one batch for a call that changed something'(storage) {
    expect(await storage.events(0, 9)).toEqual({ batches: [], oldest: 1, newest: 0, reached: 0 });
    await storage.jobs.insert([[newJob(1), newJob(2)], [newJob(3)]], t0 + 1);
    await storage.jobs.insert([[newJob(1)]], t0 + 2);
    await claim(storage, { limit: 2 }, t0 + 3);
    await claim(storage, { queues: ['none'] }, t0 + 4);
    const { batches, oldest, newest } = await storage.events(0, 99);
    expect(batches.map(({ position, at, count }) => [position, at, count])).toEqual([
      [1, t0 + 1, 3],
      [4, t0 + 3, 2],
    ]);
    expect([oldest, newest]).toEqual([1, 5]);
  },
  async 'a cursor inside a batch gets that batch, one at its end the next, and the limit ends after whole batches'(
    storage,
  ) {
    for (const first of [0, 10, 20]) await storage.jobs.insert([[0, 1, 2].map((number) => newJob(first + number))], t0);
    const positions = async (after: number, limit = 99) =>
      (await storage.events(after, limit)).batches.map(({ position }) => position);
    expect(await positions(0)).toEqual([1, 4, 7]);
    expect(await positions(2)).toEqual([1, 4, 7]);
    expect(await positions(3)).toEqual([4, 7]);
    expect(await positions(8)).toEqual([7]);
    expect(await positions(9)).toEqual([]);
    expect(await positions(99)).toEqual([]);
    expect(await positions(0, 3)).toEqual([1]);
    expect(await positions(0, 4)).toEqual([1, 4]);
  },
  async 'creation, start, promotion and every other change of state are logged, a pending job is not (rows 1-6, 15)'(
    storage,
  ) {
    await insert(storage, [
      newJob(1),
      newJob(2, { state: State.scheduled, runAt: t0 + 5 }),
      newJob(3, { state: State.pending }),
    ]);
    await claim(storage);
    await move(storage, to(idOf(1), State.retryable, State.active, { runAt: t0 + 5 }));
    await move(storage, to(idOf(1), State.retryable, State.retryable, { runAt: t0 + 5 }));
    await storage.upkeep.promote(t0 + 5, 9);
    const log = await eventLog(storage);
    expect(log.map(({ kind, id, entry }) => [kind, id, entry[4], entry[5]])).toEqual([
      ['job.enqueued', idOf(1), null, State.available],
      ['job.scheduled', idOf(2), null, State.scheduled],
      ['job.started', idOf(1), State.available, State.active],
      ['job.state_changed', idOf(1), State.active, State.retryable],
      ['job.state_changed', idOf(1), State.retryable, State.available],
      ['job.enqueued', idOf(2), State.scheduled, State.available],
    ]);
    expect(log[2]?.entry).toEqual([
      'job.started',
      idOf(1),
      'email.send',
      'default',
      State.available,
      State.active,
      1,
      'w1',
      t0,
      null,
      null,
    ]);
  },
  async 'a transition writes the given events, with the job after the change and their data, and none if it is refused'(
    storage,
  ) {
    await insert(storage, [newJob(1)]);
    await claim(storage);
    const events = [{ kind: 'job.failed', data: '{"error":{"code":"x"}}' }, { kind: 'job.retrying' }] as const;
    const retry = to(idOf(1), State.retryable, State.active, { claim: 1, runAt: t0 + 5, events });
    await storage.jobs.transition([retry, retry, to(idOf(2), State.cancelled, Waiting, { events })], t0 + 1);
    const log = await eventLog(storage, 2);
    expect(log.map(({ entry }) => entry)).toEqual([
      [
        'job.failed',
        idOf(1),
        'email.send',
        'default',
        State.active,
        State.retryable,
        1,
        'w1',
        t0,
        null,
        { error: { code: 'x' } },
      ],
      ['job.retrying', idOf(1), 'email.send', 'default', State.active, State.retryable, 1, 'w1', t0, null, null],
    ]);
    await move(
      storage,
      to(idOf(1), State.available, State.retryable, { clearRun: true, events: [{ kind: 'job.enqueued' }] }),
      t0 + 2,
    );
    expect((await eventLog(storage, 4))[0]?.entry).toEqual([
      'job.enqueued',
      idOf(1),
      'email.send',
      'default',
      State.retryable,
      State.available,
      1,
      null,
      null,
      null,
      null,
    ]);
  },
  async 'a heartbeat is logged for each lease that it extended, with its new end (job.heartbeat)'(storage) {
    await insert(storage, [newJob(1), newJob(2)]);
    await claim(storage, { limit: 1 });
    const holds = [
      { id: idOf(1), claim: 1 },
      { id: idOf(2), claim: null },
    ];
    await storage.registry.beat([{ worker: 'w1', holds, leaseMs: null, state: 'running', info: '{}' }], t0 + 1000);
    const [job] = await storage.jobs.get([idOf(1)]);
    const log = await eventLog(storage, 3);
    expect(log.map(({ kind, id }) => [kind, id])).toEqual([['job.heartbeat', idOf(1)]]);
    expect(log[0]?.entry.at(-1)).toEqual({ visible_until: new Date(job?.leaseUntil ?? 0).toISOString() });
  },
  async 'heartbeats are logged in the order of the list, also where it has a job under two claims'(storage) {
    await insert(storage, [newJob(1), newJob(2)]);
    await claim(storage, { limit: 2 });
    const holds = [
      { id: idOf(1), claim: 2 },
      { id: idOf(1), claim: null },
      { id: idOf(2), claim: 1 },
    ];
    await storage.registry.beat([{ worker: 'w1', holds, leaseMs: null, state: 'running', info: '{}' }], t0 + 1000);
    const log = await eventLog(storage);
    expect(log.flatMap(({ kind, id }) => (kind === 'job.heartbeat' ? [id] : []))).toEqual([idOf(1), idOf(2)]);
  },
  async 'every event of a job has its trace (ev 8)'(storage) {
    await insert(storage, [newJob(1, { trace: 'abc"1' })]);
    await claim(storage);
    await storage.registry.beat(
      [{ worker: 'w1', holds: [{ id: idOf(1), claim: 1 }], leaseMs: null, state: 'running', info: '{}' }],
      t0 + 1,
    );
    await move(storage, to(idOf(1), State.completed, State.active, { events: [{ kind: 'job.completed' }] }));
    expect((await eventLog(storage)).map(({ kind, entry }) => [kind, entry[9]])).toEqual([
      ['job.enqueued', 'abc"1'],
      ['job.started', 'abc"1'],
      ['job.heartbeat', 'abc"1'],
      ['job.completed', 'abc"1'],
    ]);
  },
  async 'events that belong to no other change are a batch of their own'(storage) {
    await storage.record([], t0);
    await storage.record([bulk, bulk], t0 + 3);
    expect(await storage.events(0, 9)).toEqual({
      batches: [{ position: 1, at: t0 + 3, count: 2, entries: `[${bulk},${bulk}]` }],
      oldest: 1,
      newest: 2,
      reached: 2,
    });
  },
  async 'a claim logs expired jobs before those it starts'(storage) {
    await insert(storage, [newJob(1, { expiresAt: t0 + 1 }), newJob(2)]);
    await claim(storage, { limit: 9 }, t0 + 1);
    const log = await eventLog(storage, 2);
    expect(log.at(0)).toMatchObject({ id: idOf(1), kind: 'job.expired' });
    expect(log.at(-1)).toMatchObject({ id: idOf(2), kind: 'job.started' });
  },
};
