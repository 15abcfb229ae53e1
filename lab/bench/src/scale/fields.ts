import { type NewJob, State, type StateMask } from '@ojs-ts/core/job';
import { type Fixture, firstQueue, oneOf } from '../fixture.ts';

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
  finished: { ...plain, of: 'jobs are completed', listed: State.completed, prepare: finish },
  scheduled: { ...plain, of: 'jobs are scheduled', listed: State.scheduled, prepare: schedule },
  saturated: { ...plain, of: 'jobs wait for the slots of 1,000 limits', prepare: saturate },
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

const dayMs = 86_400_000;

function schedule(fixture: Fixture, count: number): Promise<void> {
  return fixture.insert(count, (index) => ({ state: State.scheduled, runAt: fixture.now() + dayMs + index }));
}

/** Completed jobs, in rounds, so that they never wait all at once. */
async function finish(fixture: Fixture, count: number): Promise<void> {
  const size = fixture.storage.traits.maxBatch;
  for (let done = 0; done < count; ) {
    await fixture.insert(Math.min(size, count - done));
    const jobs = await fixture.claim(Math.min(size, count - done));
    await fixture.complete(jobs);
    done += jobs.length;
  }
}

/** Under each key one job is active, and that is all it may have; no more keys than jobs wait. */
async function saturate(fixture: Fixture, count: number): Promise<void> {
  const used = Math.min(1_000, count);
  const underKey = (index: number) => ({ limits: [oneOf(`tenant:${index % used}`)] });
  await fixture.insert(used, underKey);
  await fixture.activate(used);
  await fixture.insert(count, underKey);
}
