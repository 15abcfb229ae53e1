import type { Millis } from '@ojs-ts/core';
import { type JobRecord, sizeOf } from '@ojs-ts/core/job';
import type { Claim, Claimed, RepeatableFetch } from '../../storage.ts';
import type { QueueMap } from '../connection/queue-map.ts';
import type { Locations } from './locations.ts';
import type { Shards } from './shards.ts';

/** The queues of a claim that are in one shard. */
interface Part {
  readonly place: number;
  readonly queues: readonly string[];
}

/** A claim, the parts that it has not asked yet, and what it has. */
interface Running {
  readonly claim: Claim;
  readonly repeats: boolean;
  readonly jobs: JobRecord[];
  parts: readonly Part[];
  again: Millis | null;
  deferred: boolean;
}

/**
 * Serves claims whose queues may be in several shards. A claim asks its shards one after the other, in the order of its
 * queues, for what is left of its limit. So the calls to a shard are as many as the parts of the longest claim.
 */
export async function claim(
  shards: Shards,
  locations: Locations,
  claims: readonly Claim[],
  now: Millis,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<readonly Claimed[]> {
  const running = await begin(shards, claims);
  let room = maxBytes;
  let hasAnswer = false;
  const failures: unknown[] = [];
  for (;;) {
    const asking = running.filter(({ parts }) => parts.length > 0);
    if (asking.length === 0) break;
    for (const one of asking) if (room <= 0) stop(one);
    const answers = await Promise.allSettled(
      byPlace(asking).map(async ({ place, those }) => {
        const asked = those.map(({ one, queues }) => ({ ...one.claim, queues, limit: leftOf(one) }));
        const found = await shards.at(place).jobs.claim(asked, now, room);
        for (const { jobs } of found) for (const { id } of jobs) locations.note(id, place);
        return { those, found };
      }),
    );
    for (const answer of answers) {
      // Claims of one shard must not be lost because another is not reachable: that one answers nothing for now.
      if (answer.status === 'rejected') {
        failures.push(answer.reason);
        continue;
      }
      hasAnswer = true;
      for (const [at, { one }] of answer.value.those.entries()) {
        const claimed = answer.value.found[at];
        if (claimed === undefined) continue;
        room -= claimed.jobs.reduce((bytes, job) => bytes + sizeOf(job), 0);
        add(one, claimed);
      }
    }
  }
  if (failures.length > 0 && !hasAnswer) throw failures[0];
  return running.map(answerOf);
}

/** A repeated fetch asks the shards that gave it jobs, and no other. A shard that is away is as one that gave none. */
async function begin(shards: Shards, claims: readonly Claim[]): Promise<readonly Running[]> {
  const parts = claims.map(({ queues }) => partsOf(shards.map, queues));
  const fetches: RepeatableFetch[] = [];
  const indexes = claims.map(({ request, worker }, at) => {
    if (request === null || (parts[at]?.length ?? 0) < 2) return null;
    return fetches.push({ request, worker }) - 1;
  });
  const found = fetches.length === 0 ? [] : (await shards.answering((shard) => shard.jobs.claimsOf(fetches))).found;
  return claims.map((claim, at) => {
    const all = parts[at] ?? [];
    const index = indexes[at] ?? null;
    const known = index === null ? [] : all.filter(({ place }) => (found[place]?.[index]?.length ?? 0) > 0);
    const repeats = known.length > 0;
    return { claim, repeats, jobs: [], parts: repeats ? known : all, again: null, deferred: false };
  });
}

/** A claim without queues does what else a claim does, as a promotion, in the shard of the other queues. */
function partsOf(map: QueueMap, queues: readonly string[]): readonly Part[] {
  if (queues.length === 0) return [{ place: map.rest, queues }];
  return [...Map.groupBy(queues, (queue) => map.indexOf(queue))].map(([place, queues]) => ({ place, queues }));
}

/** The next part of each claim, by its shard, in the order of the claims. */
function byPlace(asking: readonly Running[]) {
  const next = asking.flatMap((one) => {
    const [part, ...others] = one.parts;
    one.parts = others;
    return part === undefined ? [] : [{ one, ...part }];
  });
  return [...Map.groupBy(next, ({ place }) => place)].map(([place, those]) => ({ place, those }));
}

/** A repeat gets all that its claim still holds, whatever its limit. */
function leftOf({ claim, repeats, jobs }: Running): number {
  return repeats ? claim.limit : claim.limit - jobs.length;
}

function add(one: Running, { jobs, again, deferred }: Claimed): void {
  one.jobs.push(...jobs);
  if (again !== null) one.again = Math.min(again, one.again ?? again);
  if (deferred) stop(one);
  else if (!one.repeats && leftOf(one) <= 0) one.parts = [];
}

/** The answer has no more room: a claim without a job is made again. */
function stop(one: Running): void {
  one.parts = [];
  one.deferred = true;
}

function answerOf({ claim, jobs, again, deferred }: Running): Claimed {
  if (jobs.length === 0 && deferred) return { jobs, again: null, deferred };
  return { jobs, again: jobs.length < claim.limit ? again : null };
}
