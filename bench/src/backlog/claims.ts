import { openStorage } from '@ojs-ts/server';
import { percentile } from '../statistics.ts';
import { freshStore } from '../store.ts';
import { claimSize, Ground } from './ground.ts';
import { type Name, readyJobs, type Situation, situations } from './situations.ts';

export interface ClaimFigure {
  readonly situation: Name;
  /** Milliseconds of a claim of ten, with few and with many jobs in front. */
  readonly near: { readonly p50: number; readonly p99: number };
  readonly far: { readonly p50: number; readonly p99: number };
  readonly durability: string;
}

export interface ClaimOptions {
  readonly storage: string;
  readonly near: number;
  readonly far: number;
  readonly claims: number;
}

/** Both stores are there at once and take turns, so whatever disturbs the machine disturbs both. */
export async function measureClaims(name: Name, { storage, near, far, claims }: ClaimOptions): Promise<ClaimFigure> {
  const situation = situations[name];
  await using small = await freshStore(storage);
  await using large = await freshStore(besides(storage));
  await using nearStorage = await openStorage(small.storage);
  await using farStorage = await openStorage(large.storage);
  const few = await prepared(situation, await Ground.open(nearStorage), near);
  const many = await prepared(situation, await Ground.open(farStorage), far);
  const times: { readonly near: number[]; readonly far: number[] } = { near: [], far: [] };
  const warmUp = Math.ceil(claims / 5);
  for (let round = 0; round < warmUp + claims; round++) {
    const turns = [
      { ground: few, into: times.near },
      { ground: many, into: times.far },
    ];
    for (const { ground, into } of round % 2 === 0 ? turns : turns.toReversed()) {
      const ms = await timedClaim(situation, ground);
      if (round >= warmUp) into.push(ms);
    }
  }
  const durability = [nearStorage.traits.durability, small.settings].filter(Boolean).join('; ');
  return { situation: name, near: percentiles(times.near), far: percentiles(times.far), durability };
}

/** A named file can be used once; the second store stands beside it. */
function besides(storage: string): string {
  return storage.startsWith('sqlite:') && storage !== 'sqlite:' ? `${storage}.far` : storage;
}

async function prepared(situation: Situation, ground: Ground, count: number): Promise<Ground> {
  await situation.prepare(ground, count);
  await ground.insert(readyJobs, () => ({ queue: situation.ready }));
  return ground;
}

/** A claim of ten; afterwards everything is as it was before. */
async function timedClaim(situation: Situation, ground: Ground): Promise<number> {
  const from = performance.now();
  const jobs = await ground.claim(claimSize, situation.queues);
  const ms = performance.now() - from;
  if (jobs.length !== claimSize) throw new Error(`a claim of ${claimSize} got ${jobs.length} jobs`);
  await ground.complete(jobs);
  await ground.remove(jobs);
  await situation.restore(ground);
  await ground.insert(jobs.length, () => ({ queue: situation.ready }));
  return ms;
}

function percentiles(times: readonly number[]): { readonly p50: number; readonly p99: number } {
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}
