import {
  dueStates,
  Failed,
  fingerprintOf,
  messageFingerprint,
  type NewJob,
  type NewUnique,
  State,
  Terminal,
  Waiting,
} from '@ojs-ts/core/job';
import { completed, isIn } from '@ojs-ts/core/lifecycle';
import fc from 'fast-check';
import type { Claim, Storage } from '../../../src/storage/storage.ts';
import { claimOf, idOf, limitOf, newJob, uniqueOf } from '../suite/tools.ts';
import {
  allPages,
  cronNames,
  given,
  limitKeys,
  optional,
  pageSize,
  queue,
  queueNames,
  type Step,
  sometimes,
  step,
  workflowIds,
} from './steps.ts';

const states = Object.values(State);
const workerNames = ['w1', 'w2'];
const uniqueKeys = ['x', 'y'];

/** The last six are those of the workflows' nodes. */
export const number = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 9 }) },
  { weight: 1, arbitrary: fc.integer({ min: 10, max: 15 }) },
);
export const worker = fc.constantFrom(...workerNames);
export const mask = fc.oneof(
  fc.constantFrom(...states),
  fc.constantFrom<number>(Terminal, Waiting, Waiting | State.active, 0xff),
);
export const lease = fc.option(fc.integer({ min: 1, max: 60 }));

export const numbers = fc.record({
  concurrency: fc.option(fc.nat({ max: 2 })),
  rates: fc.array(fc.record({ count: fc.integer({ min: 1, max: 3 }), perMs: fc.constantFrom(10, 25, 60) }), {
    maxLength: 2,
  }),
});
/** Half of the jobs that name a key bring no numbers. */
const limits = fc
  .subarray(limitKeys, { maxLength: 2 })
  .chain((keys) =>
    fc.tuple(
      ...[...keys]
        .sort()
        .map((key) => fc.option(numbers).map((own) => ({ key, ...(own ?? { concurrency: null, rates: [] }) }))),
    ),
  );
const unique = fc.record({
  key: fc.constantFrom(...uniqueKeys),
  states: mask,
  age: fc.option(fc.nat({ max: 60 })),
  onConflict: fc.constantFrom<NewUnique['onConflict'][]>('keep', 'replace', 'replace_unscheduled'),
});
const node = fc.record({ workflow: fc.constantFrom(...workflowIds), index: fc.nat({ max: 3 }) });

/** Times relative to the call's, so that what is due, expired and overdue is common. */
export const job = fc.record({
  number,
  queue,
  type: fc.constantFrom('t', 't', 't', 'u'),
  priority: fc.integer({ min: -1, max: 1 }),
  state: fc.constantFrom(State.available, State.available, State.scheduled, State.pending),
  delay: fc.integer({ min: 0, max: 40 }),
  age: fc.constantFrom(0, 0, 15),
  expiry: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 2 }),
  later: fc.option(fc.integer({ min: 30, max: 90 })),
  deadline: fc.option(fc.integer({ min: 0, max: 60 })),
  timeoutMs: fc.constantFrom(20, 1000),
  heartbeatMs: fc.constantFrom(15, 1000),
  visibilityMs: lease,
  unique: fc.option(unique, { freq: 2 }),
  limits: fc.oneof(fc.constant([]), limits),
  node: fc.option(node, { freq: 20 }).map((node) => node ?? null),
  cron: fc.constantFrom(null, null, null, ...cronNames),
});
type Job = typeof job extends fc.Arbitrary<infer T> ? T : never;

export function jobAt(spec: Job, now: number): NewJob {
  const { number, delay, age, expiry, later, deadline, unique, ...rest } = spec;
  const at = (ms: number | null) => (ms === null ? null : now + ms);
  return newJob(number, {
    ...rest,
    runAt: now + delay,
    createdAt: now - age,
    expiresAt: at(expiry),
    laterExpiresAt: at(later),
    deadlineAt: at(deadline),
    unique: unique && {
      key: unique.key,
      states: unique.states,
      createdAfter: unique.age === null ? null : now - unique.age,
      onConflict: unique.onConflict,
    },
  });
}

const claimSpec: fc.Arbitrary<Claim> = fc.record({
  request: fc.option(fc.constantFrom('r1', 'r2'), { freq: 1 }),
  queues: fc.shuffledSubarray(queueNames),
  limit: fc.nat({ max: 4 }),
  worker: fc.option(worker),
  leaseMs: lease,
  defaultLeaseMs: fc.constant(30),
  leaseRequired: fc.boolean(),
});

/** Three errors; two of them have the same message. */
const failures = [
  { at: 5, type: 'A', message: 'Lost job 1' },
  { at: 7, type: 'A', message: 'Lost job 2' },
  { at: 6, type: 'B', message: 'Lost job 1' },
  { at: 9, type: 'A', message: 'No room' },
].map(({ at, ...error }) => JSON.stringify({ kind: 'failed', at, error }));
const fingerprints = [
  fingerprintOf({ type: 'A', message: 'Lost job 3' }),
  fingerprintOf({ type: 'B', message: 'Lost job 3' }),
  messageFingerprint('Lost job 4'),
];

export const transition = fc.record({
  number,
  from: fc.oneof(
    { weight: 2, arbitrary: fc.constant<number>(State.active) },
    { weight: 2, arbitrary: fc.constant(0xff) },
    { weight: 1, arbitrary: mask },
  ),
  to: fc.constantFrom(...states, State.active),
  claim: sometimes(fc.integer({ min: 0, max: 3 })),
  worker: sometimes(worker),
  delay: optional(fc.integer({ min: 0, max: 40 })),
  attempt: optional(fc.nat({ max: 3 })),
  priority: optional(fc.integer({ min: -1, max: 1 })),
  clearRun: optional(fc.constant<true>(true)),
  deadLetter: optional(fc.boolean()),
  beat: optional(fc.constant<true>(true)),
  result: optional(fc.constantFrom(null, '1', '{"a":[1.0]}')),
  progress: optional(fc.constantFrom(null, '5', '{"p":1.0}')),
  checkpoint: optional(fc.constantFrom(null, '7', '[1.0]')),
  envelope: optional(fc.constantFrom('{"args":[1.0]}')),
  envelopeWas: sometimes(fc.constantFrom('{"args":[1.0]}')),
  timeoutMs: optional(fc.constantFrom(20, 1000)),
  history: optional(fc.constantFrom('', '{"kind":"failed"}', ...failures)),
  event: optional(fc.constantFrom('job.completed', 'job.retrying', 'job.failed')),
});
type Change = typeof transition extends fc.Arbitrary<infer T> ? T : never;

export function transitionAt({ number, delay, event, from, to, ...rest }: Change, now: number) {
  const runAt = delay === undefined ? {} : { runAt: now + delay };
  const events = event === undefined ? [] : [{ kind: event, data: '{"x":1}' }];
  // Core gives a history to every change into a failed state; without one the job must have failed before.
  const sources = isIn(to, Failed) && rest.history === undefined ? from & Failed : from;
  return { id: idOf(number), from: sources, to, events, ...given(rest), ...runAt };
}

const group = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(job) },
  { weight: 1, arbitrary: fc.array(job, { maxLength: 3 }) },
);

/** Jobs that wait under two keys, of which one lets one job run and the other one start in 25 ms. */
export const jobOpening: Step = {
  name: 'open jobs',
  call: (storage, now) => {
    const k = limitOf('k', { concurrency: 1 });
    const l = limitOf('l', { rates: [{ count: 1, perMs: 25 }] });
    const jobs = [[k], [l], [k, l], [], [k], [l], [k, l]].map((limits, number) =>
      newJob(number, { queue: number % 3 === 0 ? 'b' : 'a', limits, createdAt: now, runAt: now }),
    );
    return storage.jobs.insert([jobs], now);
  },
};
/** Jobs that hold unique keys and have nothing else, so that the short paths take them. */
export const keyedNumbers = [7, 8];
const keyedJobs: Step = {
  name: 'open keyed jobs',
  call: (storage, now) => {
    const jobs = keyedNumbers.map((number, index) =>
      newJob(number, { queue: 'c', createdAt: now, runAt: now, unique: uniqueOf({ key: uniqueKeys[index] ?? '' }) }),
    );
    return storage.jobs.insert([jobs], now);
  },
};
const keyedClaim: Step = {
  name: 'claim keyed jobs',
  call: (storage, now) => storage.jobs.claim([claimOf({ queues: ['c'], limit: 2, defaultLeaseMs: 30 })], now),
};
export const keyedOpening: readonly Step[] = [keyedJobs, keyedClaim];

/** Which jobs hold the unique keys, as new jobs learn that count one state. */
export function holders(storage: Storage, now: number): Promise<unknown> {
  const counting = uniqueKeys.flatMap((key) => states.map((state) => uniqueOf({ key, states: state })));
  const jobs = counting.map((unique, index) => newJob(20 + index, { state: State.pending, createdAt: now, unique }));
  return storage.jobs.insert(
    jobs.map((job) => [job]),
    now,
  );
}

export const insert: fc.Arbitrary<Step> = step(
  'insert',
  fc.record({ groups: fc.array(group, { maxLength: 5 }), refusePaused: fc.boolean() }),
  (storage, now, { groups, refusePaused }) =>
    storage.jobs.insert(
      groups.map((group) => group.map((spec) => jobAt(spec, now))),
      now,
      { refusePaused },
    ),
);

export const claim: fc.Arbitrary<Step> = step(
  'claim',
  fc.record({
    claims: fc.array(claimSpec, { minLength: 1, maxLength: 3 }),
    // Sizes differ by storage: what fits is all, or one job.
    maxBytes: fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1),
  }),
  (storage, now, { claims, maxBytes }) =>
    storage.jobs.claim(
      // Storages differ in whether a claim that wants nothing is put off when a call is full, and it says nothing.
      maxBytes === 1 ? claims.map((one) => ({ ...one, limit: Math.max(1, one.limit) })) : claims,
      now,
      maxBytes,
    ),
);

export const transitions: fc.Arbitrary<Step> = step(
  'transition',
  fc.array(transition, { minLength: 1, maxLength: 4 }),
  (storage, now, specs) =>
    storage.jobs.transition(
      specs.map((spec) => transitionAt(spec, now)),
      now,
    ),
);

/** As the engine acks: of jobs that a claim has started this is one statement on PostgreSQL, and a short path on Redis. */
export const acks: fc.Arbitrary<Step> = step(
  'ack',
  fc.array(
    fc.record({
      number: fc.oneof(fc.constantFrom(...keyedNumbers), number),
      claim: fc.constantFrom(1, 1, 2, null),
      worker: sometimes(worker),
      result: fc.constantFrom(null, '1', '{"a":[1.0]}'),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  (storage, now, acks) =>
    storage.jobs.transition(
      acks.map(({ number, worker, ...ack }) => completed({ id: idOf(number), ...ack, worker: worker ?? null })),
      now,
    ),
);

export const remove: fc.Arbitrary<Step> = step(
  'remove',
  fc.record({ numbers: fc.array(number, { maxLength: 3 }), from: mask, deadLetter: optional(fc.constant<true>(true)) }),
  (storage, now, { numbers, from, deadLetter }) =>
    storage.jobs.remove(numbers.map(idOf), { from, ...given({ deadLetter }) }, now),
);

const list: fc.Arbitrary<Step> = step(
  'list',
  fc.record({
    states: mask,
    queue: optional(queue),
    type: optional(fc.constantFrom('t', 'u')),
    deadLetter: optional(fc.constant<true>(true)),
    fingerprint: optional(fc.constantFrom(...fingerprints)),
    offset: fc.nat({ max: 3 }),
    limit: pageSize,
    by: fc.constantFrom('created', 'due', 'priority'),
    direction: fc.constantFrom('asc', 'desc'),
  }),
  (storage, _, { states, queue, deadLetter, fingerprint, limit, offset, by, direction, ...rest }) => {
    const filters = {
      created: { states, ...given({ queue, deadLetter, fingerprint }) },
      due: { states: states & dueStates, ...given({ queue }) },
      priority: { states: State.available, queue: queue ?? 'a' },
    };
    const query = { ...filters[by], ...given(rest), limit, offset, order: { by, direction } };
    return allPages((after) => storage.jobs.list({ ...query, ...(after !== null && { after }) }));
  },
);

const errors: fc.Arbitrary<Step> = step(
  'errors',
  fc.record({
    states: mask,
    queue: optional(queue),
    type: optional(fc.constantFrom('t', 'u')),
    deadLetter: optional(fc.constant<true>(true)),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
  (storage, _, { states, limit, ...rest }) => storage.jobs.errors({ states, limit, ...given(rest) }),
);

export const jobReads: fc.Arbitrary<Step> = fc.oneof(list, errors);
