import { State } from '@ojs-ts/core/job';
import { claimSize, type Fixture, firstQueue, oneOf, secondQueue } from './fixture.ts';

export const names = [
  'waiting',
  'scheduled',
  'finished',
  'expired',
  'saturated-queue',
  'saturated-1',
  'saturated-1000',
  'saturated-100000',
] as const;
export type Name = (typeof names)[number];

export interface Situation {
  /** The queues of each claim. */
  readonly queues: readonly string[];
  /** Where the jobs that are handed out wait. */
  readonly ready: string;
  /** Puts `count` jobs ahead. */
  prepare(fixture: Fixture, count: number): Promise<void>;
  /** Puts back in front what one claim took away, beside the jobs that it handed out. */
  restore(fixture: Fixture): Promise<void>;
}

/**
 * Jobs that a claim may have; each claim is given back what it took. Those that are `waiting` are the backlog
 * themselves.
 */
export const readyJobs = 10 * claimSize;

const hourMs = 3_600_000;
const nothing = async () => {};
const single = { queues: [firstQueue], ready: firstQueue, restore: nothing };

export const situations: Readonly<Record<Name, Situation>> = {
  waiting: { ...single, prepare: (fixture, count) => fixture.insert(Math.max(0, count - readyJobs)) },
  scheduled: {
    ...single,
    prepare: (fixture, count) =>
      fixture.insert(count, (index) => ({ state: State.scheduled, runAt: fixture.now() + 24 * hourMs + index })),
  },
  finished: { ...single, prepare: finish },
  // A claim discards at most ten expired jobs of a queue and then goes on with the next queue: each claim here meets
  // ten.
  expired: {
    queues: [firstQueue, secondQueue],
    ready: secondQueue,
    prepare: (fixture, count) => fixture.insert(count, () => expired(fixture)),
    restore: (fixture) => fixture.insert(claimSize, () => expired(fixture)),
  },
  'saturated-queue': {
    queues: [firstQueue, secondQueue],
    ready: secondQueue,
    restore: nothing,
    async prepare(fixture, count) {
      await fixture.insert(1);
      await fixture.activate(1);
      await fixture.storage.registry.configureQueue(
        firstQueue,
        { limit: { concurrency: 1, rates: [] } },
        fixture.now(),
      );
      await fixture.insert(count);
    },
  },
  'saturated-1': saturated(1),
  'saturated-1000': saturated(1_000),
  'saturated-100000': saturated(100_000),
};

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

function expired(fixture: Fixture) {
  return { expiresAt: fixture.now() - 1, laterExpiresAt: fixture.now() - 1 };
}

/** Under each key one job is active, and that is all it may have; no more keys than jobs wait. */
function saturated(keys: number): Situation {
  return {
    ...single,
    async prepare(fixture, count) {
      const used = Math.min(keys, count);
      const underKey = (index: number) => ({ limits: [oneOf(`tenant:${index % used}`)] });
      await fixture.insert(used, underKey);
      await fixture.activate(used);
      await fixture.insert(count, underKey);
    },
  };
}
