import { type NewJob, State, Terminal, Waiting } from '@ojs-ts/core';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Claim, PruneRules, Storage } from '../../src/storage/storage.ts';
import { countErrors, idOf, newJob, t0 } from './suite/tools.ts';

/** One call; it may be made on any storage, and its answer compared. */
interface Step {
  readonly name: string;
  readonly call: (storage: Storage, now: number) => Promise<unknown>;
}

/** Time passes, then the calls are made at once. Reads are made alone: they need not see a write that is still under way. */
interface Turn {
  readonly passes: number;
  readonly steps: readonly Step[];
}

const queueNames = ['a', 'b', 'c'];
const workerNames = ['w1', 'w2'];
const states = Object.values(State);

const number = fc.nat({ max: 11 });
const queue = fc.constantFrom(...queueNames);
const worker = fc.constantFrom(...workerNames);
const maybeWorker = fc.option(worker);
const mask = fc.oneof(fc.constantFrom(...states), fc.constantFrom<number>(Terminal, Waiting, Waiting | State.active, 0xff));
const lease = fc.option(fc.integer({ min: 1, max: 60 }));

/** Times relative to the call's, so that what is due, expired and overdue is common. */
const job = fc.record({
  number,
  queue,
  type: fc.constantFrom('t', 't', 't', 'u'),
  priority: fc.integer({ min: -1, max: 1 }),
  state: fc.constantFrom(State.available, State.available, State.scheduled, State.pending),
  delay: fc.integer({ min: 0, max: 40 }),
  expiry: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 2 }),
  timeoutMs: fc.constantFrom(20, 1000),
  visibilityMs: lease,
});

function jobAt(spec: typeof job extends fc.Arbitrary<infer T> ? T : never, now: number): NewJob {
  const { number, delay, expiry, ...rest } = spec;
  return newJob(number, { ...rest, runAt: now + delay, createdAt: now, expiresAt: expiry === null ? null : now + expiry });
}

const insert: fc.Arbitrary<Step> = fc.array(fc.array(job, { maxLength: 3 }), { maxLength: 4 }).map((groups) => ({
  name: `insert ${JSON.stringify(groups)}`,
  call: (storage, now) =>
    storage.jobs.insert(
      groups.map((group) => group.map((spec) => jobAt(spec, now))),
      now,
    ),
}));

const claimSpec: fc.Arbitrary<Claim> = fc.record({
  request: fc.option(fc.constantFrom('r1', 'r2')),
  queues: fc.shuffledSubarray(queueNames),
  limit: fc.nat({ max: 4 }),
  worker: maybeWorker,
  leaseMs: lease,
  defaultLeaseMs: fc.constant(30),
});
const claim: fc.Arbitrary<Step> = fc.array(claimSpec, { minLength: 1, maxLength: 3 }).map((claims) => ({
  name: `claim ${JSON.stringify(claims)}`,
  call: (storage, now) => storage.jobs.claim(claims, now),
}));

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const transitionSpec = fc.record({
  number,
  from: fc.oneof({ weight: 2, arbitrary: fc.constant<number>(State.active) }, { weight: 1, arbitrary: mask }),
  to: fc.constantFrom(...states.filter((state) => state !== State.active)),
  claim: optional(fc.integer({ min: 0, max: 3 })),
  worker: optional(worker),
  delay: optional(fc.integer({ min: 0, max: 40 })),
  attempt: optional(fc.nat({ max: 3 })),
  priority: optional(fc.integer({ min: -1, max: 1 })),
  clearRun: optional(fc.constant<true>(true)),
  deadLetter: optional(fc.boolean()),
  result: optional(fc.constantFrom(null, '1', '{"a":[1.0]}')),
  history: optional(fc.constantFrom('', '{"kind":"failed"}')),
  event: optional(fc.constantFrom('job.completed', 'job.retrying', 'job.discarded')),
});
const transition: fc.Arbitrary<Step> = fc.array(transitionSpec, { minLength: 1, maxLength: 4 }).map((specs) => ({
  name: `transition ${JSON.stringify(specs)}`,
  call: (storage, now) =>
    storage.jobs.transition(
      specs.map(({ number, delay, event, from, to, ...rest }) => {
        const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
        const runAt = delay === undefined ? {} : { runAt: now + delay };
        return { id: idOf(number), from, to, events: event === undefined ? [] : [{ kind: event, data: '{"x":1}' }], ...given, ...runAt };
      }),
      now,
    ),
}));

const beat: fc.Arbitrary<Step> = fc
  .record({
    worker,
    holds: fc.option(fc.array(fc.record({ number, claim: fc.option(fc.integer({ min: 1, max: 3 })) }), { maxLength: 4 }), { freq: 4 }),
    leaseMs: lease,
    state: fc.constantFrom('running', 'quiet', 'terminate'),
  })
  .map(({ holds, ...rest }) => ({
    name: `beat ${JSON.stringify({ holds, ...rest })}`,
    call: (storage, now) =>
      storage.registry.beat(
        [{ ...rest, info: '{}', holds: holds?.map(({ number, claim }) => ({ id: idOf(number), claim })) ?? null }],
        now,
      ),
  }));

const pruneSpec: fc.Arbitrary<Step> = fc
  .record({ ago: fc.nat({ max: 100 }), keep: fc.nat({ max: 6 }), events: fc.nat({ max: 60 }), limit: fc.integer({ min: 1, max: 20 }) })
  .map(({ ago, keep, events, limit }) => ({
    name: `prune ${JSON.stringify({ ago, keep, events, limit })}`,
    call: (storage, now) => {
      const before = now - ago;
      const rules: PruneRules = {
        jobs: [State.completed, State.cancelled, State.discarded].map((state) => ({ state, before, keep })),
        events: { before, keep: events },
        requestsBefore: before,
        workersBefore: before,
      };
      return storage.upkeep.prune(rules, limit);
    },
  }));

const limit = fc.integer({ min: 1, max: 5 });
const others: readonly fc.Arbitrary<Step>[] = [
  limit.map((limit) => ({ name: `promote ${limit}`, call: (storage, now) => storage.upkeep.promote(now, limit) })),
  fc
    .tuple(queue, fc.boolean())
    .map(([name, paused]) => ({ name: `pause ${name} ${paused}`, call: (storage, now) => storage.registry.pauseQueue(name, paused, now) })),
  fc.tuple(fc.array(number, { maxLength: 3 }), mask, fc.boolean()).map(([numbers, from, listed]) => ({
    name: `remove ${numbers} from ${from} ${listed}`,
    call: (storage) => storage.jobs.remove(numbers.map(idOf), listed ? { from, deadLetter: true } : { from }),
  })),
  fc
    .tuple(worker, fc.nat({ max: 30 }))
    .map(([holder, ttl]) => ({ name: `lease ${holder} ${ttl}`, call: (storage, now) => storage.upkeep.lease('l', holder, ttl, now) })),
  worker.map((holder) => ({ name: `release ${holder}`, call: (storage) => storage.upkeep.release('l', holder) })),
  fc
    .tuple(worker, fc.constantFrom('quiet', 'terminate', null))
    .map(([name, directive]) => ({ name: `direct ${name}`, call: (storage) => storage.registry.direct(name, directive) })),
  worker.map((name) => ({ name: `forget ${name}`, call: (storage) => storage.registry.forgetWorker(name) })),
];

const reads: fc.Arbitrary<Step> = fc.oneof(
  limit.map((limit) => ({ name: `overdue ${limit}`, call: (storage: Storage, now: number) => storage.upkeep.overdue(now, limit) })),
  limit.map((limit) => ({ name: `held ${limit}`, call: (storage: Storage) => held(storage, limit) })),
  fc
    .tuple(mask, optional(queue), optional(fc.constantFrom('t', 'u')), fc.boolean(), fc.nat({ max: 3 }), limit)
    .map(([states, queue, type, listed, offset, limit]) => ({
      name: `list ${states} ${queue} ${type} ${listed} ${offset} ${limit}`,
      call: (storage: Storage) =>
        listAll(storage, {
          states,
          limit,
          offset,
          ...(queue === undefined ? {} : { queue }),
          ...(type === undefined ? {} : { type }),
          ...(listed ? { deadLetter: true } : {}),
        }),
    })),
  fc
    .tuple(fc.nat({ max: 40 }), limit)
    .map(([after, limit]) => ({ name: `events ${after} ${limit}`, call: (storage: Storage) => storage.events(after, limit) })),
);

const write: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: insert },
  { weight: 5, arbitrary: claim },
  { weight: 6, arbitrary: transition },
  { weight: 2, arbitrary: beat },
  { weight: 1, arbitrary: pruneSpec },
  { weight: 3, arbitrary: fc.oneof(...others) },
);

export const script: fc.Arbitrary<readonly Turn[]> = fc.array(
  fc.record({
    passes: fc.oneof(fc.constant(0), fc.nat({ max: 30 })),
    steps: fc.oneof(
      { weight: 4, arbitrary: fc.array(write, { minLength: 1, maxLength: 3 }) },
      { weight: 1, arbitrary: reads.map((read) => [read]) },
    ),
  }),
  { minLength: 1, maxLength: 40 },
);

/** Makes the calls of a script on both storages; every answer and all that is left must be equal. */
export async function compare(model: Storage, subject: Storage, turns: readonly Turn[]): Promise<void> {
  await Promise.all([model.clear(), subject.clear()]);
  let now = t0;
  for (const { passes, steps } of turns) {
    now += passes;
    const [expected, actual] = await Promise.all(
      [model, subject].map((storage) => Promise.all(steps.map(({ call }) => call(storage, now)))),
    );
    expect(actual, steps.map(({ name }) => name).join('; ')).toEqual(expected);
  }
  const [expected, actual] = await Promise.all([model, subject].map((storage) => remains(storage, now)));
  expect(actual).toEqual(expected);
  expect(await countErrors(subject)).toEqual([]);
}

async function remains(storage: Storage, now: number): Promise<unknown> {
  return {
    jobs: await listAll(storage, { states: 0xff, limit: 7 }),
    queues: await storage.registry.queues(),
    workers: await storage.registry.workers(),
    events: await storage.events(0, 1_000_000),
    overdue: await storage.upkeep.overdue(now + 1_000_000, 100),
    held: await held(storage, 3),
    order: await storage.jobs.claim(
      [{ request: null, queues: queueNames, limit: 100, worker: null, leaseMs: null, defaultLeaseMs: 1 }],
      now,
    ),
  };
}

async function listAll(storage: Storage, query: Parameters<Storage['jobs']['list']>[0]): Promise<unknown> {
  const found: unknown[] = [];
  let page = await storage.jobs.list(query);
  found.push(page.items);
  while (page.next !== null) {
    page = await storage.jobs.list({ ...query, after: page.next });
    found.push(page.items);
  }
  return found;
}

async function held(storage: Storage, limit: number): Promise<unknown> {
  const found: unknown[] = [];
  let page = await storage.upkeep.held(null, limit);
  found.push(page.items);
  while (page.next !== null) {
    page = await storage.upkeep.held(page.next, limit);
    found.push(page.items);
  }
  return found;
}
