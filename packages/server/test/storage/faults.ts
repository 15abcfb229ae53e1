import { isDeepStrictEqual } from 'node:util';
import { Failed, State, type Transition } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Storage } from '../../src/storage/storage.ts';
import { type FaultOptions, faulty, persist, persistent } from './faulty.ts';
import { invariantErrors } from './invariants.ts';
import {
  claim,
  insert,
  job,
  jobAt,
  jobOpening,
  jobReads,
  lease,
  number,
  numbers,
  remove,
  transitions,
  worker,
} from './model/jobs.ts';
import { recordChange, recordReads, recordSteps, work, workAt } from './model/records.ts';
import { beat, operator, prune, registryReads, upkeep } from './model/registry.ts';
import { given, optional, queue, queueNames, type Step, workflowIds } from './model/steps.ts';
import { workflowOpening, workflowReads, workflowSteps } from './model/workflows.ts';
import { remains } from './model.ts';
import { claimOf, idOf, newJob, newNode, newWorkflow, t0 } from './suite/tools.ts';

/**
 * A call that is made on a storage with faults, again until it is answered; and on the model as often as it took
 * effect.
 */
interface Call {
  readonly name: string;
  readonly play: (where: Where) => Promise<void>;
}

interface Where {
  readonly model: Storage;
  readonly subject: Storage;
  readonly now: number;
}

interface Turn {
  readonly passes: number;
  readonly call: Call;
}

/**
 * The repeated call is answered as on the model, where nothing ever failed; `once` says which answer may follow the one
 * that was lost.
 */
async function play<T>(
  { model, subject, now }: Where,
  make: (storage: Storage, now: number) => Promise<T>,
  once: Once<T>,
): Promise<void> {
  const { answer, faults } = await persist(() => make(subject, now));
  const lost: T[] = [];
  for (const fault of faults) {
    if (fault.when === 'before') continue;
    const expected = await make(model, now);
    expect(fault.answer).toEqual(expected);
    lost.push(expected);
  }
  const last = await make(model, now);
  expect(answer).toEqual(last);
  for (const first of lost) expect(once(first, last), `${show(last)} after ${show(first)}`).toBe(true);
}

/** Whether the second answer is one to a call that took effect before, and did nothing again. */
type Once<T> = (first: T, again: T) => boolean;

const show = (value: unknown) => JSON.stringify(value);

function all<T>(once: Once<T>): Once<readonly T[]> {
  return (first, again) =>
    first.length === again.length &&
    again.every((one, index) => first.slice(index, index + 1).every((before) => once(before, one)));
}

function call<S, T>(
  name: string,
  spec: fc.Arbitrary<S>,
  make: (storage: Storage, now: number, spec: S) => Promise<T>,
  once: Once<T>,
): fc.Arbitrary<Call> {
  return spec.map((spec) => ({
    name: `${name} ${show(spec)}`,
    play: (where) => play(where, (storage, now) => make(storage, now, spec), once),
  }));
}

/** Calls as the engine makes them: each can be repeated by the identity that it carries. */
const repeatable: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: call(
      'insert once',
      fc.array(fc.array(job, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
      (storage, now, groups) =>
        storage.jobs.insert(
          groups.map((group) => group.map((spec) => jobAt(spec, now))),
          now,
        ),
      all(all((first, again) => first.kind !== 'inserted' || again.kind === 'already')),
    ),
  },
  { weight: 5, arbitrary: claimsOnce() },
  { weight: 6, arbitrary: movesOnce() },
  call(
    'remove once',
    fc.array(number, { maxLength: 3 }),
    (storage, now, numbers) => storage.jobs.remove(numbers.map(idOf), { from: 0xff }, now),
    all((first, again) => !(first && again)),
  ),
  call(
    'beat',
    fc.record({ worker, holds: fc.array(number, { maxLength: 4 }), leaseMs: lease }),
    (storage, now, { worker, holds, leaseMs }) => {
      const held = holds.map((number) => ({ id: idOf(number), claim: null }));
      return storage.registry.beat([{ worker, holds: held, leaseMs, state: 'running', info: '{}' }], now);
    },
    isDeepStrictEqual,
  ),
  { weight: 4, arbitrary: fc.oneof(createOnce(), { weight: 3, arbitrary: advanceOnce() }, cancelOnce()) },
  { weight: 2, arbitrary: comparing() },
);

function claimsOnce(): fc.Arbitrary<Call> {
  let requests = 0;
  const spec = fc.record({
    queues: fc.shuffledSubarray(queueNames),
    limit: fc.nat({ max: 4 }),
    worker: fc.option(worker),
    leaseMs: lease,
  });
  return call(
    'claim once',
    fc
      .array(spec, { minLength: 1, maxLength: 3 })
      .map((specs) => specs.map((one) => ({ ...one, request: `own ${requests++}` }))),
    (storage, now, specs) =>
      storage.jobs.claim(
        specs.map((one) => claimOf({ ...one, defaultLeaseMs: 30 })),
        now,
      ),
    all((first, again) => first.jobs.length === 0 || isDeepStrictEqual(first.jobs, again.jobs)),
  );
}

/** As core decides: out of the state that the record has, by the claim that it has. */
function movesOnce(): fc.Arbitrary<Call> {
  const spec = fc.record({
    number,
    to: fc.constantFrom(...Object.values(State)),
    delay: fc.nat({ max: 40 }),
    result: optional(fc.constantFrom('1', '{"a":[1.0]}')),
  });
  return fc.uniqueArray(spec, { minLength: 1, maxLength: 4, selector: ({ number }) => number }).map((specs) => ({
    name: `move once ${show(specs)}`,
    play: async (where) => {
      const records = await where.model.jobs.get(specs.map(({ number }) => idOf(number)));
      const decided = specs.flatMap(({ number, to, delay, ...rest }, index): Transition[] => {
        const record = records[index];
        if (!record || record.state === to) return [];
        return [
          {
            id: idOf(number),
            from: record.state,
            claim: record.claim,
            to,
            runAt: where.now + delay,
            // A change into a failed state always has a history.
            ...(isIn(to, Failed) && { history: record.history }),
            events: [],
            ...given(rest),
          },
        ];
      });
      const once = all<{ readonly kind: string }>((first, again) => first.kind !== 'moved' || again.kind === 'already');
      await play(where, (storage, now) => storage.jobs.transition(decided, now), once);
    },
  }));
}

const workflow = newWorkflow({ id: 'v', name: 'n', total: 3 });
const nodes = [
  newNode(0, { next: [1, 2], job: idOf(10) }),
  newNode(1, { open: 1, next: [3], job: idOf(11) }),
  newNode(2, { open: 1, next: [3], job: idOf(12) }),
  newNode(3, { open: 2, member: false, job: idOf(13) }),
];

function createOnce(): fc.Arbitrary<Call> {
  return call(
    'create once',
    fc.constantFrom(...workflowIds),
    (storage, now, id) => storage.workflows.create({ ...workflow, id }, nodes, [], now),
    (first, again) =>
      first.kind !== 'created' || (again.kind === 'already' && isDeepStrictEqual(first.ready, again.ready)),
  );
}

function advanceOnce(): fc.Arbitrary<Call> {
  const spec = fc.uniqueArray(
    fc.record({ index: fc.nat({ max: 3 }), starts: fc.boolean(), state: fc.constantFrom('failed', 'completed') }),
    { minLength: 1, maxLength: 3, selector: ({ index }) => index },
  );
  return call(
    'advance once',
    spec,
    (storage, now, specs) =>
      storage.workflows.advance(
        specs.map(({ index, starts, state }) => {
          const node = { workflow: 'v', index };
          if (starts)
            return {
              kind: 'start',
              node,
              job: newJob(10 + index, { queue: 'a', node, createdAt: now, runAt: now }),
              events: [],
            };
          return {
            kind: 'close',
            node,
            state,
            passes: state === 'completed',
            result: null,
            error: null,
            end: null,
            events: [],
          };
        }),
        now,
      ),
    all((first, again) => !(first.done && again.done)),
  );
}

function cancelOnce(): fc.Arbitrary<Call> {
  const id = fc.constantFrom(...workflowIds);
  return call(
    'cancel workflow once',
    id,
    (storage, now, id) => storage.workflows.cancel(id, [], now),
    (first, again) => !(first && again),
  );
}

/** What compares a version finds it changed by its own first time. */
function comparing(): fc.Arbitrary<Call> {
  const version = fc.constantFrom(1, 1, 2, 3);
  const once = (first: unknown, again: unknown) => first === null || again === null;
  return fc.oneof(
    call(
      'commit of jobs once',
      work,
      (storage, now, change) => storage.records.commit([workAt(change, now)], now),
      ([first], [again]) => first !== true || again === false,
    ),
    call(
      'configure once',
      fc.record({ queue, version: fc.nat({ max: 2 }), limit: fc.option(numbers) }),
      (storage, now, { queue, version, limit }) => storage.registry.configureQueue(queue, { limit }, now, version),
      once,
    ),
    call(
      'commit once',
      fc.record({ key: fc.constantFrom('a', 'b/1'), expected: fc.option(version) }),
      (storage, now, { key, expected }) => storage.records.commit([recordChange(key, '{"d":2.0}', expected, now)]),
      ([first], [again]) => first === false || again === false,
    ),
  );
}

/** Any call of the model test: what its repetition answers is nobody's promise, but the model gives the same. */
const others = fc
  .oneof(
    { weight: 2, arbitrary: insert },
    { weight: 2, arbitrary: claim },
    { weight: 2, arbitrary: transitions },
    beat,
    prune,
    remove,
    { weight: 3, arbitrary: operator },
    { weight: 2, arbitrary: upkeep },
    workflowSteps,
    recordSteps,
  )
  .map((step): Call => ({ name: step.name, play: (where) => play(where, step.call, () => true) }));

const reads = fc.oneof(jobReads, registryReads, workflowReads, recordReads).map(reading);

/** Several calls may make one step, and none of them changes anything. */
function reading(step: Step): Call {
  return {
    name: step.name,
    play: async ({ model, subject, now }) => {
      expect(await step.call(persistent(subject), now)).toEqual(await step.call(model, now));
    },
  };
}

const opening = [jobOpening, ...workflowOpening].map(
  (step): Turn => ({ passes: 0, call: { name: step.name, play: (where) => play(where, step.call, () => true) } }),
);

export const faultScript: fc.Arbitrary<{ readonly turns: readonly Turn[]; readonly faults: FaultOptions }> = fc.record({
  faults: fc.record({ seed: fc.nat(), every: fc.constantFrom(2, 2, 3, 5) }),
  turns: fc
    .array(
      fc.record({
        passes: fc.oneof(fc.constant(0), fc.nat({ max: 30 })),
        call: fc.oneof(
          { weight: 6, arbitrary: repeatable },
          { weight: 4, arbitrary: others },
          { weight: 1, arbitrary: reads },
        ),
      }),
      { minLength: 1, maxLength: 40, size: 'max' },
    )
    .map((turns) => [...opening, ...turns]),
});

/** Plays a script on a storage that fails. */
export async function playFaults(
  model: Storage,
  storage: Storage,
  { turns, faults }: { readonly turns: readonly Turn[]; readonly faults: FaultOptions },
): Promise<void> {
  await Promise.all([model.clear(), storage.clear()]);
  const subject = faulty(storage, faults);
  // A new minute begins within a script.
  let now = t0 + 59_900;
  for (const { passes, call } of turns) {
    now += passes;
    try {
      await call.play({ model, subject, now });
    } catch (error) {
      throw new Error(`${call.name}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
  expect(await invariantErrors(storage)).toEqual([]);
  const [expected, actual] = await Promise.all([model, storage].map((one) => remains(one, now)));
  expect(actual).toEqual(expected);
}
