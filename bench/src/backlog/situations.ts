import { State } from '@ojs-ts/core';
import { behind, claimSize, front, type Ground, oneOf } from './ground.ts';

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
  /** Puts `count` jobs in front. */
  prepare(ground: Ground, count: number): Promise<void>;
  /** Puts back in front what one claim took away, beside the jobs that it handed out. */
  restore(ground: Ground): Promise<void>;
}

/**
 * Jobs that a claim may have; each claim is given back what it took. Those that are `waiting` are the backlog
 * themselves.
 */
export const readyJobs = 10 * claimSize;

const hourMs = 3_600_000;
const nothing = async () => {};
const single = { queues: [front], ready: front, restore: nothing };

export const situations: Readonly<Record<Name, Situation>> = {
  waiting: { ...single, prepare: (ground, count) => ground.insert(Math.max(0, count - readyJobs)) },
  scheduled: {
    ...single,
    prepare: (ground, count) =>
      ground.insert(count, (index) => ({ state: State.scheduled, runAt: ground.now() + 24 * hourMs + index })),
  },
  finished: { ...single, prepare: finish },
  // A claim discards at most ten expired jobs of a queue and then goes on with the next queue: each claim here meets
  // ten.
  expired: {
    queues: [front, behind],
    ready: behind,
    prepare: (ground, count) => ground.insert(count, () => expired(ground)),
    restore: (ground) => ground.insert(claimSize, () => expired(ground)),
  },
  'saturated-queue': {
    queues: [front, behind],
    ready: behind,
    restore: nothing,
    async prepare(ground, count) {
      await ground.insert(1);
      await ground.activate(1);
      await ground.storage.registry.configureQueue(front, { limit: { concurrency: 1, rates: [] } }, ground.now());
      await ground.insert(count);
    },
  },
  'saturated-1': saturated(1),
  'saturated-1000': saturated(1_000),
  'saturated-100000': saturated(100_000),
};

/** Completed jobs, in rounds, so that they never wait all at once. */
async function finish(ground: Ground, count: number): Promise<void> {
  const size = ground.storage.traits.maxBatch;
  for (let done = 0; done < count; ) {
    await ground.insert(Math.min(size, count - done));
    const jobs = await ground.claim(Math.min(size, count - done));
    await ground.complete(jobs);
    done += jobs.length;
  }
}

function expired(ground: Ground) {
  return { expiresAt: ground.now() - 1, laterExpiresAt: ground.now() - 1 };
}

/** Under each key one job is active, and that is all it may have; no more keys than jobs wait. */
function saturated(keys: number): Situation {
  return {
    ...single,
    async prepare(ground, count) {
      const used = Math.min(keys, count);
      const underKey = (index: number) => ({ limits: [oneOf(`tenant:${index % used}`)] });
      await ground.insert(used, underKey);
      await ground.activate(used);
      await ground.insert(count, underKey);
    },
  };
}
