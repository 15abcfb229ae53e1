import type { Clock } from '@ojs-ts/core';
import type { Beaten, Storage, WorkerBeat } from '../../storage/storage.ts';

export interface Beat extends WorkerBeat {
  /** Request ids of the fetches whose answers the worker still waits for. */
  readonly openFetches?: readonly string[];
}

/**
 * Records heartbeats. The claims of open fetches count as listed: their answers may be slow on their way, or lost and
 * asked for again. A claim that gets ready in between is younger than `knownUntil`.
 */
export async function beat(storage: Storage, beats: readonly Beat[], clock: Clock): Promise<readonly Beaten[]> {
  const open = beats.flatMap(({ worker, openFetches = [] }) => openFetches.map((request) => ({ worker, request })));
  if (open.length === 0) return storage.registry.beat(beats, clock.now());
  const claims = (await storage.jobs.claimsOf(open)).values();
  const listed = beats.map(({ openFetches = [], ...beat }): WorkerBeat => {
    const fetched = [...claims.take(openFetches.length)].flat();
    return beat.holds === null ? beat : { ...beat, holds: [...beat.holds, ...notIn(beat.holds, fetched)] };
  });
  const beaten = await storage.registry.beat(listed, clock.now());
  // A worker cannot lose a job that it does not know of.
  return beaten.map((one, at) => {
    const ids = new Set(beats[at]?.holds?.map(({ id }) => id));
    return { ...one, lost: one.lost.filter((id) => ids.has(id)) };
  });
}

type Holds = NonNullable<WorkerBeat['holds']>;

/**
 * An answer that has just arrived may be listed too. A worker that has lost a job and got it again lists the first
 * claim: the answer is about that one.
 */
function notIn(holds: Holds, fetched: Holds): Holds {
  const ids = new Set(holds.map(({ id }) => id));
  return fetched.filter(({ id }) => !ids.has(id));
}
