import { readEntries } from '@ojs-ts/core/events';
import { State } from '@ojs-ts/core/job';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fewRuns } from '../../../core/test/support/runs.ts';
import { memoryStorage } from '../../src/storage/memory/memory.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { StoreUnavailable } from '../../src/storage/unavailable.ts';
import { storages } from '../support/storages.ts';
import { reached, type StoreProxy, storeProxy } from '../support/store-proxy.ts';
import { jobOpening } from './model/jobs.ts';
import { workflowOpening } from './model/workflows.ts';
import { remains } from './model.ts';
import { claimOf, idOf, keepAll, newJob, newNode, newWorkflow, t0, to, uniqueOf } from './suite/tools.ts';

/** An operation, and whether the store is another one after it. */
interface Operation {
  readonly changes: boolean;
  readonly call: (storage: Storage, now: number) => Promise<unknown>;
}

const change = (call: Operation['call']): Operation => ({ changes: true, call });
const read = (call: Operation['call']): Operation => ({ changes: false, call });
const beat = { worker: 'w1', holds: [{ id: idOf(3), claim: 1 }], leaseMs: null, state: 'running', info: '{}' } as const;
const event = '["worker.started","w1",null,"",null,null,0,null,null,null,{}]';
const page = { states: 0xff, limit: 3 };
const node = { workflow: 'v', index: 0 };
const record = { kind: 'kind', key: 'd' };
const put = (key: string, now: number) => {
  const added = { kind: 'kind', key, version: 1, createdAt: now, updatedAt: now, body: '{"n":1.0}' };
  return { checks: [{ kind: 'kind', key, version: null }], puts: [added] };
};

/** Every operation of the interface, on the store that `fill` makes. */
const operations: Readonly<Record<string, Operation>> = {
  'jobs.insert': change((storage, now) =>
    storage.jobs.insert([[newJob(20), newJob(21)], [newJob(22, { queue: 'a' })]], now),
  ),
  'jobs.insert, with a unique key that replaces': change((storage, now) =>
    storage.jobs.insert([[newJob(23, { unique: uniqueOf({ onConflict: 'replace' }) })]], now),
  ),
  'jobs.claim, with a request id': change((storage, now) =>
    storage.jobs.claim([claimOf({ request: 'r', queues: ['a', 'b'], limit: 2 })], now),
  ),
  'jobs.transition': change((storage, now) =>
    storage.jobs.transition([to(idOf(3), State.completed, State.active, { claim: 1, worker: 'w1', result: '1' })], now),
  ),
  'jobs.transition, of a workflow node': change((storage, now) =>
    storage.jobs.transition([to(idOf(10), State.cancelled, State.available, { claim: 0 })], now),
  ),
  'jobs.remove': change((storage, now) => storage.jobs.remove([idOf(1), idOf(3)], { from: State.available }, now)),
  'upkeep.promote': change((storage, now) => storage.upkeep.promote(now + 9_000, 9)),
  'upkeep.prune': change((storage, now) =>
    storage.upkeep.prune({ ...keepAll, jobs: [ended], events: { before: now + 1, keep: 0 } }, 9),
  ),
  'upkeep.lease': change((storage, now) => storage.upkeep.lease('other', 'me', 1_000, now)),
  'upkeep.release': change((storage) => storage.upkeep.release('l', 'me')),
  'registry.pauseQueue': change((storage, now) => storage.registry.pauseQueue('a', true, now)),
  'registry.configureQueue': change((storage, now) =>
    storage.registry.configureQueue('a', { capacity: 9, limit: { concurrency: 1, rates: [] } }, now, 0),
  ),
  'registry.removeQueue': change((storage) => storage.registry.removeQueue('empty')),
  'registry.overrideLimit': change((storage, now) =>
    storage.registry.overrideLimit('k', { concurrency: 2, rates: [] }, now),
  ),
  'registry.beat': change((storage, now) => storage.registry.beat([beat], now + 5)),
  'registry.direct': change((storage) => storage.registry.direct('w1', 'quiet')),
  'registry.forgetWorker': change((storage) => storage.registry.forgetWorker('w1')),
  'workflows.create': change((storage, now) =>
    storage.workflows.create(newWorkflow({ id: 'x' }), [newNode(0, { job: idOf(30) })], [event], now),
  ),
  'workflows.advance': change((storage, now) => {
    const close = {
      kind: 'close',
      node: { workflow: 'x0', index: 0 },
      state: 'failed',
      passes: false,
      result: null,
      error: '"e"',
    } as const;
    return storage.workflows.advance([{ ...close, end: null, events: [event] }], now);
  }),
  'workflows.cancel': change((storage, now) => storage.workflows.cancel('v', [event], now)),
  'workflows.swept': change((storage) => storage.workflows.swept('y')),
  'records.commit': change((storage, now) => storage.records.commit([put('new', now), put('d', now)])),
  'records.commit, of a deletion': change((storage) =>
    storage.records.commit([{ checks: [{ ...record, version: 1 }], deletes: [record] }]),
  ),
  'records.commit, of a job and the end of another': change((storage, now) => {
    const end = to(idOf(0), State.cancelled, 0xff);
    const changes = { checks: [{ ...record, version: 1 }], deletes: [record], ends: [end], events: [event] };
    return storage.records.commit([{ ...changes, job: newJob(40, { cron: 'c' }) }], now);
  }),
  record: change((storage, now) => storage.record([event], now)),
  'jobs.get': read((storage) => storage.jobs.get([idOf(0), idOf(99)])),
  'jobs.list': read(async (storage) => (await storage.jobs.list(page)).items),
  'jobs.errors': read((storage) => storage.jobs.errors({ states: State.discarded, limit: 9 })),
  'jobs.claimsOf': read((storage) => storage.jobs.claimsOf([{ worker: 'w1', request: 'f' }])),
  'upkeep.overdue': read((storage, now) => storage.upkeep.overdue(now + 1e9, 9)),
  'upkeep.nextDue': read((storage) => storage.upkeep.nextDue()),
  'upkeep.held': read(async (storage) => (await storage.upkeep.held(null, 9)).items),
  'registry.queues': read((storage) => storage.registry.queues()),
  'registry.oldest': read((storage) => storage.registry.oldest(['default'])),
  'registry.statistics': read((storage) => storage.registry.statistics(0)),
  'registry.minuteBehind': read((storage, now) => storage.registry.minuteBehind(0, 0, now + 1e9)),
  'registry.limits': read(async (storage) => (await storage.registry.limits({ limit: 9 })).items),
  'registry.limit': read((storage) => storage.registry.limit('k')),
  'registry.workers': read((storage) => storage.registry.workers()),
  'workflows.get': read((storage) => storage.workflows.get('v')),
  'workflows.getAll': read((storage) => storage.workflows.getAll(['v', 'missing'])),
  'workflows.list': read(async (storage) => (await storage.workflows.list({ states: null, limit: 9 })).items),
  'workflows.nodes': read((storage) => storage.workflows.nodes('v', -1, 9)),
  'workflows.node': read((storage) => storage.workflows.node([node])),
  'workflows.unfinished': read((storage) => storage.workflows.unfinished(9)),
  'jobs.runs': read((storage) => storage.jobs.runs(['c'], 9)),
  'records.get': read((storage) => storage.records.get([record])),
  'records.scan': read((storage) => storage.records.scan('kind', { limit: 9 })),
  events: read(async (storage) =>
    (await storage.events(0, 99)).batches.map(({ entries, ...rest }) => ({ ...rest, entries: readEntries(entries) })),
  ),
  migrate: read(async (storage) => typeof (await storage.migrate()).to),
  clock: read(async (storage) => typeof (await storage.clock())),
  seed: read(async (storage) => typeof (await storage.seed())),
  leaseKey: read(async (storage) => (await storage.leaseKey()).length),
  ping: read((storage) => storage.ping()),
};
const ended = { state: State.completed, deadLetter: false, before: t0 * 2, keep: 0 };

async function fill(storage: Storage): Promise<void> {
  await storage.clear();
  for (const { call } of [jobOpening, ...workflowOpening]) await call(storage, t0);
  await storage.jobs.insert(
    [
      [newJob(50, { state: State.scheduled, runAt: t0 + 5_000 })],
      [newJob(51, { unique: uniqueOf() })],
      [newJob(52, { queue: 'done' })],
      [newJob(53, { queue: 'empty' })],
    ],
    t0,
  );
  await storage.jobs.remove([idOf(53)], { from: 0xff }, t0);
  // Jobs 0 and 3; the next one of that queue waits under the key of 0.
  await storage.jobs.claim([claimOf({ request: 'f', queues: ['b'], limit: 2 })], t0);
  await storage.jobs.claim([claimOf({ queues: ['done'] })], t0);
  await storage.jobs.transition([to(idOf(52), State.completed, State.active)], t0);
  await storage.registry.beat([{ ...beat, holds: [] }], t0);
  await storage.workflows.create(
    newWorkflow({ id: 'x0' }),
    [newNode(0, { next: [1] }), newNode(1, { open: 1 })],
    [],
    t0,
  );
  await storage.workflows.create(newWorkflow({ id: 'y' }), [newNode(0)], [], t0);
  await storage.workflows.cancel('y', [], t0);
  await storage.records.commit([put('d', t0)]);
  await storage.upkeep.lease('l', 'me', 1_000, t0);
}

/** What a caller sees and what is left, where the operation takes effect once and where it does twice. */
async function expectation(call: Operation['call']) {
  await using model = memoryStorage();
  const after = async (times: number) => {
    await fill(model);
    let answer: unknown;
    for (let time = 0; time < times; time++) answer = await call(model, t0 + 1);
    return { answer, left: await remains(model, t0 + 1) };
  };
  return { once: await after(1), twice: await after(2) };
}

test('every operation of the interface is among them; those of the inbox are in postgres/inbox-cut.test.ts', async () => {
  await using storage = memoryStorage();
  const { jobs, upkeep, registry, workflows, records } = storage;
  const names = Object.entries({ jobs, upkeep, registry, workflows, records }).flatMap(([part, calls]) =>
    Object.keys(calls).map((name) => `${part}.${name}`),
  );
  expect(names.length).toBeGreaterThan(30);
  const played = new Set(Object.keys(operations).map((name) => name.split(',')[0]));
  expect(names.filter((name) => !played.has(name))).toEqual([]);
});

/** A call that only reads may be sent again: `npm run test:long` cuts its answers, and those of rare changes. */
const cut = Object.entries(operations).filter(
  ([name, { changes }]) => !fewRuns || (changes && /^(?:jobs|workflows|record)/.test(name)),
);

const remote = storages.filter(({ name }) => name === 'postgres' || name === 'redis');

describe.each(remote)('the connection is cut before an answer arrives, $name', ({ name, url }) => {
  let proxy: StoreProxy;
  let direct: Storage;
  let through: Storage;
  beforeAll(async () => {
    const target = url();
    // Notices of PostgreSQL follow a commit by some milliseconds; they name their channel. With one connection they
    // open no other, whose greeting would count.
    const channel = `ojs_${new URL(target).searchParams.get('schema')}`;
    proxy = await storeProxy(target, (request) => request.includes(channel));
    direct = await openStorage(target);
    through = await openStorage(name === 'postgres' ? `${proxy.url}&connections=1` : proxy.url);
    await direct.migrate();
  });
  afterAll(async () => {
    await direct[Symbol.asyncDispose]();
    await through[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  // Each of its many answers is cut once, and each cut is a new connection.
  test.each(cut)('%s: every answer of the store, then the call again', async (_, { changes, call }) => {
    const { once, twice } = await expectation(call);
    await fill(direct);
    // Connected, and every script is known.
    await reached(() => call(through, t0 + 1));
    const seen: unknown[] = [];
    let strays = 0;
    for (let number = 1; ; number++) {
      if (changes) await fill(direct);
      proxy.cutAnswer(number);
      const outcome = await call(through, t0 + 1).catch((error: unknown) => error);
      proxy.cutAnswer(null);
      await proxy.settled();
      if (!(outcome instanceof StoreUnavailable)) {
        // A look of the driver's at a slow server was cut, and not the call.
        if (proxy.hasCut && strays++ < 5) {
          number--;
          continue;
        }
        expect(outcome).toEqual(once.answer);
        if (changes) expect(number, 'answers that were cut, and one that was not').toBeGreaterThan(1);
        break;
      }
      const answer = await reached(() => call(through, t0 + 1));
      if (!changes) expect(answer).toEqual(once.answer);
      else seen.push({ answer, left: await remains(direct, t0 + 1) });
    }
    if (!changes) return;
    for (const one of seen.slice(0, -1)) expect([once, twice]).toContainEqual(one);
    // Where the last answer is lost, everything is done.
    expect(seen.at(-1)).toEqual(twice);
  });
});
