import { openStorage } from '@ojs-ts/server';
import { percentile } from '../statistics.ts';
import { freshStore } from '../store.ts';
import { claimSize, Fixture } from './fixture.ts';
import { type Name, readyJobs, type Situation, situations } from './situations.ts';

export interface ClaimFigure {
  readonly situation: Name;
  /** Milliseconds of a claim of ten, with few and with many jobs ahead. */
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
  const few = await prepared(situation, await Fixture.open(nearStorage), near);
  const many = await prepared(situation, await Fixture.open(farStorage), far);
  const times: { readonly near: number[]; readonly far: number[] } = { near: [], far: [] };
  const warmUp = Math.ceil(claims / 5);
  for (let round = 0; round < warmUp + claims; round++) {
    const turns = [
      { fixture: few, into: times.near },
      { fixture: many, into: times.far },
    ];
    for (const { fixture, into } of round % 2 === 0 ? turns : turns.toReversed()) {
      const ms = await timedClaim(situation, fixture);
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

async function prepared(situation: Situation, fixture: Fixture, count: number): Promise<Fixture> {
  await situation.prepare(fixture, count);
  await fixture.insert(readyJobs, () => ({ queue: situation.ready }));
  return fixture;
}

/** A claim of ten; afterwards everything is as it was before. */
async function timedClaim(situation: Situation, fixture: Fixture): Promise<number> {
  const from = performance.now();
  const jobs = await fixture.claim(claimSize, situation.queues);
  const ms = performance.now() - from;
  if (jobs.length !== claimSize) throw new Error(`a claim of ${claimSize} got ${jobs.length} jobs`);
  await fixture.complete(jobs);
  await fixture.remove(jobs);
  await situation.restore(fixture);
  await fixture.insert(jobs.length, () => ({ queue: situation.ready }));
  return ms;
}

function percentiles(times: readonly number[]): { readonly p50: number; readonly p99: number } {
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}
