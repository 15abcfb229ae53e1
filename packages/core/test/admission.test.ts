import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uuidFrom } from '../src/index.ts';
import { type JobRecord, type NewJob, recordOf, State, Terminal } from '../src/job/index.ts';
import {
  type Admission,
  type AdmissionView,
  admit,
  type Holder,
  isIn,
  Queued,
  uniqueAnswer,
} from '../src/lifecycle/index.ts';
import { jobOf } from './support/records.ts';
import { admissionCases, brief, inState } from './vectors/admission.ts';

interface Queue {
  readonly name: string;
  readonly paused: boolean;
  readonly capacity: number | null;
}

/**
 * A store that looks at everything that it has. @param indexed whether it finds the oldest holder of a state by itself.
 */
function viewOf(jobs: readonly JobRecord[], queues: readonly Queue[], indexed: boolean): AdmissionView {
  const holders = (key: string): readonly Holder[] =>
    jobs.flatMap((job, number) => (job.uniqueKey === key ? [{ job, number }] : [])).sort(byAge);
  return {
    jobById: (id) => jobs.find((job) => job.id === id) ?? null,
    holders: {
      all: (key) => holders(key).filter(({ job }) => !indexed || !isIn(job.state, Terminal)),
      oldest: !indexed
        ? null
        : (key, state, after) =>
            holders(key).find(({ job }) => job.state === state && (after === null || job.createdAt > after)) ?? null,
    },
    queue(name) {
      const queue = queues.find((one) => one.name === name);
      return queue === undefined ? null : { ...queue, depth: depthOf(jobs, name) };
    },
  };
}

function byAge(a: Holder, b: Holder): number {
  return a.job.createdAt - b.job.createdAt || a.number - b.number;
}

function depthOf(jobs: readonly JobRecord[], queue: string): number {
  return jobs.filter((job) => job.queue === queue && isIn(job.state, Queued)).length;
}

/** The store after what was admitted. */
function after(jobs: readonly JobRecord[], { admitted }: Pick<Admission, 'admitted'>): readonly JobRecord[] {
  return admitted.reduce<readonly JobRecord[]>(
    (now, { record, replaced }) => [
      ...now.map((job) => (replaced.includes(job.id) ? { ...job, state: State.cancelled } : job)),
      record,
    ],
    jobs,
  );
}

for (const { name, queues, jobs, options, group, answers } of admissionCases()) {
  for (const indexed of [true, false]) {
    test(`${name}${indexed ? '' : ', in a store without an index of finished holders'}`, () => {
      const records = jobs.map(({ job, state }) => inState(job, state));
      expect(admit(viewOf(records, queues, indexed), group, options).answers.map(brief)).toEqual(answers);
    });
  }
}

const anyQueue = fc.constantFrom('a', 'b');
const stored = fc.record({
  id: fc.nat(5),
  queue: anyQueue,
  key: fc.option(fc.constantFrom('k', 'l')),
  state: fc.constantFrom(...Object.values(State)),
  at: fc.nat(3),
});
const fresh = fc.record({
  id: fc.nat(9),
  queue: anyQueue,
  key: fc.option(fc.constantFrom('k', 'l')),
  state: fc.constantFrom(State.available, State.scheduled, State.pending),
  at: fc.integer({ min: 3, max: 5 }),
  states: fc.integer({ min: 1, max: 255 }),
  after: fc.option(fc.nat(4)),
  onConflict: fc.constantFrom('keep', 'replace', 'replace_unscheduled'),
  isNode: fc.boolean(),
});
const anyStore = fc.uniqueArray(stored, { selector: ({ id }) => id, maxLength: 5 }).map((jobs) =>
  jobs.map(
    ({ id, queue, key, state, at }): JobRecord => ({
      ...jobOf(),
      id: idOf(id),
      queue,
      uniqueKey: key,
      state,
      createdAt: at,
    }),
  ),
);
const anyGroup = fc.array(fresh, { maxLength: 6 }).map((jobs) =>
  jobs.map(
    ({ id, queue, key, state, at, states, after, onConflict, isNode }): NewJob => ({
      ...jobOf(),
      id: idOf(id),
      queue,
      state,
      createdAt: at,
      limits: [],
      unique: key === null ? null : { key, states, createdAfter: after, onConflict },
      node: isNode ? { workflow: 'w', index: 0 } : null,
    }),
  ),
);
const anyQueues = fc
  .record({
    a: fc.record({ paused: fc.boolean(), capacity: fc.option(fc.nat(4)) }),
    b: fc.record({ paused: fc.boolean(), capacity: fc.constant(null) }),
  })
  .map(({ a, b }) => [
    { name: 'a', ...a },
    { name: 'b', ...b },
  ]);
const anyOptions = fc.record({ refusePaused: fc.boolean() });

function idOf(number: number): string {
  return uuidFrom(0, number, 1);
}

/** Admission as the specification has it: one job at a time, in a store that changes at once. */
function oneByOne(
  jobs: readonly JobRecord[],
  queues: readonly Queue[],
  group: readonly NewJob[],
  refusePaused: boolean,
): readonly JobRecord[] | null {
  let now = jobs;
  for (const job of group) {
    if (now.some(({ id }) => id === job.id)) return null;
    const others = now.filter(({ uniqueKey }) => uniqueKey !== null && uniqueKey === job.unique?.key);
    const order = new Map(now.map((one, at) => [one, at]));
    const aged = others.sort((a, b) => a.createdAt - b.createdAt || (order.get(a) ?? 0) - (order.get(b) ?? 0));
    const answer = job.unique === null ? { replaces: [] } : uniqueAnswer(job.unique, aged);
    if ('refusedBy' in answer) return null;
    const left = now.map((one) => (answer.replaces.includes(one) ? { ...one, state: State.cancelled } : one));
    const queue = queues.find(({ name }) => name === job.queue);
    if (queue?.paused && refusePaused && job.node === null) return null;
    const isFull = queue?.capacity != null && depthOf(left, job.queue) >= queue.capacity;
    if (isFull && job.node === null && isIn(job.state, Queued)) return null;
    now = [...left, recordOf(job)];
  }
  return now;
}

test('a group is inserted where its jobs would be one after the other, with the same end', () => {
  fc.assert(
    fc.property(
      anyStore,
      anyGroup,
      anyQueues,
      anyOptions,
      fc.boolean(),
      (jobs, group, queues, { refusePaused }, indexed) => {
        const admission = admit(viewOf(jobs, queues, indexed), group, { refusePaused });
        const expected = oneByOne(jobs, queues, group, refusePaused);
        expect(admission.answers.every(({ kind }) => kind === 'inserted')).toBe(expected !== null);
        expect(after(jobs, admission)).toEqual(expected ?? jobs);
        if (expected === null) return;
        for (const name of ['a', 'b'])
          expect(admission.more.get(name) ?? 0).toBe(depthOf(expected, name) - depthOf(jobs, name));
      },
    ),
    { numRuns: 3_000 },
  );
});

test('a repeated insert of a group answers already', () => {
  fc.assert(
    fc.property(anyStore, anyGroup, anyQueues, (jobs, group, queues) => {
      const admission = admit(viewOf(jobs, queues, true), group);
      if (admission.admitted.length === 0) return;
      const again = admit(viewOf(after(jobs, admission), queues, true), group);
      expect(again.answers.map(({ kind }) => kind)).toEqual(group.map(() => 'already'));
    }),
    { numRuns: 1_000 },
  );
});
