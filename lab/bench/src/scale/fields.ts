import { type NewJob, State, type StateMask } from '@ojs-ts/core/job';
import { type Fixture, firstQueue, oneOf } from '../backlog/fixture.ts';
import { situations } from '../backlog/situations.ts';

/** The curves of what an operation costs the storage, and what is counted along each. */
export const fieldNames = ['waiting', 'finished', 'scheduled', 'saturated', 'queues', 'keys'] as const;
export type FieldName = (typeof fieldNames)[number];

/** A store that has `x` of something, and operations on it. */
export interface Field {
  /** What `x` counts. */
  readonly of: string;
  readonly prepare: (fixture: Fixture, x: number) => Promise<void>;
  /** What makes the n-th job of the operations; they can be claimed at once. */
  readonly patch: (n: number, x: number) => Partial<NewJob> & Pick<NewJob, 'queue'>;
  /** The queues of the n-th claim, where the n-th batch of jobs went. */
  readonly queues: (n: number, x: number) => readonly string[];
  /** What is listed: the jobs of `prepare`. */
  readonly listed: StateMask;
}

/** Jobs that wait while queues or keys are counted. */
const spread = 10_000;

const plain = { patch: () => ({ queue: firstQueue }), queues: () => [firstQueue], listed: State.available };
const queueOf = (n: number, x: number) => `bench-${n % x}`;
const underKey = (n: number, x: number) => ({ limits: [{ ...oneOf(`tenant:${n % x}`), concurrency: 1_000_000 }] });

export const fields: Readonly<Record<FieldName, Field>> = {
  waiting: { ...plain, of: 'jobs wait', prepare: (fixture, x) => fixture.insert(x) },
  finished: { ...plain, of: 'jobs are completed', listed: State.completed, prepare: situations.finished.prepare },
  scheduled: { ...plain, of: 'jobs are scheduled', listed: State.scheduled, prepare: situations.scheduled.prepare },
  saturated: { ...plain, of: 'jobs wait for the slots of 1,000 limits', prepare: situations['saturated-1000'].prepare },
  queues: {
    of: 'queues share 10,000 waiting jobs',
    prepare: (fixture, x) => fixture.insert(Math.max(spread, x), (n) => ({ queue: queueOf(n, x) })),
    patch: (n, x) => ({ queue: queueOf(n, x) }),
    queues: (n, x) => Array.from({ length: Math.min(x, 10) }, (_, index) => queueOf(n + index, x)),
    listed: State.available,
  },
  keys: {
    ...plain,
    of: 'limit keys share 10,000 waiting jobs',
    prepare: (fixture, x) => fixture.insert(Math.max(spread, x), (n) => underKey(n, x)),
    patch: (n, x) => ({ queue: firstQueue, ...underKey(n, x) }),
  },
};
