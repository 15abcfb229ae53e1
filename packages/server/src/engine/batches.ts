import type { Clock, JobId, JobRecord, Millis, NewJob, Transition } from '@ojs-ts/core';
import type { Beaten, Claim, Inserted, Moved, Storage, WorkerBeat } from '../storage/storage.ts';
import { coalesce } from './coalesce.ts';

/** What became of a transition, and the time that the storage was given for it. */
export type Timed = Moved & { readonly at: Millis };

/** The storage's array operations as single calls that share batches. */
export interface Batches {
  insert(group: readonly NewJob[]): Promise<readonly Inserted[]>;
  claim(claim: Claim): Promise<readonly JobRecord[]>;
  transition(transition: Transition): Promise<Timed>;
  get(id: JobId): Promise<JobRecord | null>;
  beat(beat: WorkerBeat): Promise<Beaten>;
}

export function batches(storage: Storage, clock: Clock): Batches {
  const { parallel, maxBatch: max } = storage.traits;
  const options = { parallel, max, split: true };
  return {
    insert: coalesce((groups) => storage.jobs.insert(groups, clock.now()), {
      ...options,
      weight: (group: readonly NewJob[]) => group.length,
    }),
    // A claim without a request id is not repeatable: after an unknown outcome a second one would strand the jobs of the first.
    claim: coalesce((claims) => storage.jobs.claim(claims, clock.now()), {
      ...options,
      split: false,
      weight: (claim: Claim) => claim.limit,
    }),
    transition: coalesce(async (transitions: readonly Transition[]) => {
      const at = clock.now();
      return (await storage.jobs.transition(transitions, at)).map((moved) => ({ ...moved, at }));
    }, options),
    get: coalesce((ids: readonly JobId[]) => storage.jobs.get(ids), options),
    beat: coalesce((beats: readonly WorkerBeat[]) => storage.registry.beat(beats, clock.now()), options),
  };
}
