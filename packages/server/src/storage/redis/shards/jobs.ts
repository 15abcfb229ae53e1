import { isIdIn } from '@ojs-ts/core';
import {
  ByteBudget,
  isStartBefore,
  type JobOrder,
  type JobRecord,
  type NewJob,
  newestFirst,
  readCursor,
  readSortCursor,
  sizeOf,
  Terminal,
  type Transition,
} from '@ojs-ts/core/job';
import type { Inserted, InsertOptions, JobQuery, Jobs, Moved, Page } from '../../storage.ts';
import { groupErrors } from '../errors.ts';
import type { Namespace } from '../namespace.ts';
import { claim } from './claims.ts';
import { oneShard, refuseQueue } from './cross-shard.ts';
import { fanOut, mergeOrdered } from './fan-out.ts';
import type { LimitOwners } from './limit-owners.ts';
import type { Locations } from './locations.ts';
import { mergedPage } from './merged-page.ts';
import type { Shards } from './shards.ts';

type Group = readonly NewJob[];

export function jobs(shards: Shards, locations: Locations, limits: LimitOwners): Jobs {
  return {
    insert: (groups, now, options) =>
      shards.work(() => new Insertion(shards, locations, limits, now, options).insert(groups)),

    claim: (claims, now, maxBytes) => claim(shards, locations, claims, now, maxBytes),

    transition: (transitions, now) =>
      locations.run(
        transitions,
        ({ id }) => id,
        async (place, those) => {
          await stayIn(shards, place, those);
          return shards.at(place).jobs.transition(those, now);
        },
        missing,
        ({ kind }) => kind === 'missing',
      ),

    get: (ids) =>
      locations.run(
        ids,
        (id) => id,
        (place, those) => shards.at(place).jobs.get(those),
        null,
        (job) => job === null,
      ),

    // A fetch belongs to the shards of its queues, which it does not name here.
    async claimsOf(fetches) {
      const found = await shards.present((shard) => shard.jobs.claimsOf(fetches));
      return fetches.map((_, at) => found.flatMap((claims) => claims[at] ?? []));
    },

    async runs(crons, limit) {
      const all = await shards.present((shard) => shard.jobs.runs(crons, limit));
      return crons.map((_, at) => {
        const lists = all.map((ofShard) => ofShard[at] ?? []);
        return mergeOrdered(lists, (a, b) => a.createdAt < b.createdAt).slice(0, limit);
      });
    },

    list: (query) => list(shards, query),

    async errors(query) {
      const { queue } = query;
      const count = async (shard: Namespace) => ({ shard, counted: await shard.countErrors(query) });
      const parts = queue === undefined ? await shards.present(count) : [await count(shards.of(queue))];
      return groupErrors(
        query,
        parts.map(({ counted }) => counted),
        async (at, those) => (await parts[at]?.shard.errorEnds(those)) ?? [],
      );
    },

    remove: (ids, guard, now) =>
      locations.run(
        ids,
        (id) => id,
        (place, those) => shards.at(place).jobs.remove(those, guard, now),
        false,
        (gone) => !gone,
      ),
  };
}

/**
 * Refuses to move a job to a queue of another shard. A job that is not in this shard is `missing`, and the caller looks
 * it up again.
 */
async function stayIn(shards: Shards, place: number, transitions: readonly Transition[]): Promise<void> {
  const leaving = transitions.flatMap(({ id, queue }) =>
    queue === undefined || shards.map.indexOf(queue) === place ? [] : [{ id, queue }],
  );
  if (leaving.length === 0) return;
  const there = await shards.at(place).jobs.get(leaving.map(({ id }) => id));
  const stray = leaving.find((_, index) => (there[index] ?? null) !== null);
  if (stray) refuseQueue(shards.map, place, stray.queue);
}

const missing: Moved = { kind: 'missing' };

/** One call of insert: whatever may be refused is checked before the first group is written. */
class Insertion {
  readonly #shards: Shards;
  readonly #locations: Locations;
  readonly #limits: LimitOwners;
  readonly #now: number;
  readonly #options: InsertOptions | undefined;

  constructor(
    shards: Shards,
    locations: Locations,
    limits: LimitOwners,
    now: number,
    options: InsertOptions | undefined,
  ) {
    this.#shards = shards;
    this.#locations = locations;
    this.#limits = limits;
    this.#now = now;
    this.#options = options;
  }

  async insert(groups: readonly Group[]): Promise<readonly (readonly Inserted[])[]> {
    const { all, map } = this.#shards;
    const places = groups.map((group) =>
      oneShard(
        map,
        group.map(({ queue }) => queue),
        'The jobs of one batch must be',
      ),
    );
    const named = groups.flatMap((group, at) =>
      group.flatMap(({ limits }) => limits.map(({ key }) => ({ key, place: places[at] ?? 0 }))),
    );
    this.#shards.require(places);
    await this.#limits.check(named);
    if (all.length === 1) return this.#write(groups, places);
    const answers: (readonly Inserted[])[] = [];
    for (let from = 0; from < groups.length; ) {
      const end = from + distinct(groups.slice(from), places.slice(from));
      answers.push(...(await this.#insertDistinct(groups.slice(from, end), places.slice(from, end))));
      from = end;
    }
    return answers;
  }

  /** An id belongs to one job of the whole store, so the other shards are asked first. */
  async #insertDistinct(
    groups: readonly Group[],
    places: readonly number[],
  ): Promise<readonly (readonly Inserted[])[]> {
    const takenElsewhere = await this.#takenElsewhere(groups, places);
    const own = groups.map((group, at) => (group.some(({ id }) => takenElsewhere.has(id)) ? null : (places[at] ?? 0)));
    const answers = await this.#write(groups, own);
    return groups.map((group, at) => (own[at] === null ? refusedBy(group, takenElsewhere) : (answers[at] ?? [])));
  }

  #write(groups: readonly Group[], places: readonly (number | null)[]): Promise<readonly (readonly Inserted[])[]> {
    return fanOut(
      groups,
      places,
      (place, those) => this.#shards.at(place).jobs.insert(those, this.#now, this.#options),
      [],
    );
  }

  /**
   * Jobs of other shards that have an id of these groups. No job has an id that the server has just made, and no job of
   * another queue one that a client has made for this queue. A namespace that is unreachable is not waited for: a
   * client that sends the id of one of its jobs for a queue of another one is not noticed until it is back.
   */
  async #takenElsewhere(groups: readonly Group[], places: readonly number[]): Promise<ReadonlyMap<string, JobRecord>> {
    const wanted = new Map(
      groups.flatMap((group, at) =>
        group.flatMap(({ id, idIsNew, queue }) =>
          idIsNew || isIdIn(id, queue) ? [] : [[id, places[at] ?? 0] as const],
        ),
      ),
    );
    if (wanted.size === 0) return new Map();
    const found = await this.#shards.present(async (shard, place) => {
      const ids = [...wanted].flatMap(([id, own]) => (own === place ? [] : [id]));
      const there = await shard.exists('job', ids);
      const taken = ids.filter((_, at) => there[at]);
      return taken.length === 0 ? [] : shard.jobs.get(taken);
    });
    const takenElsewhere = found.flat().filter((job) => job !== null);
    for (const { id } of takenElsewhere) this.#locations.forget(id);
    return new Map(takenElsewhere.map((job) => [job.id, job]));
  }
}

/** How many of the first groups name no id that an earlier one has in another shard. */
function distinct(groups: readonly Group[], places: readonly number[]): number {
  const seen = new Map<string, number>();
  for (const [at, group] of groups.entries()) {
    const place = places[at] ?? 0;
    if (group.some(({ id }) => (seen.get(id) ?? place) !== place)) return at;
    for (const { id } of group) seen.set(id, place);
  }
  return groups.length;
}

function refusedBy(group: Group, takenElsewhere: ReadonlyMap<string, JobRecord>): readonly Inserted[] {
  const first = group.findIndex(({ id }) => takenElsewhere.has(id));
  return group.map(({ id }, at): Inserted => {
    const existing = takenElsewhere.get(id);
    return at === first && existing ? { kind: 'duplicate', by: 'id', existing } : { kind: 'aborted' };
  });
}

function list({ all, map }: Shards, query: JobQuery): Promise<Page<JobRecord>> {
  const only = query.queue === undefined ? null : map.indexOf(query.queue);
  const { offset: _, after: __, ...rest } = query;
  const bytes = new ByteBudget(query.maxBytes ?? Number.POSITIVE_INFINITY);
  const sources = all.map((shard, place) => ({
    read:
      only !== null && only !== place
        ? null
        : (after: string | undefined, limit: number) =>
            shard.listed({ ...rest, ...(after !== undefined && { after }), limit }),
  }));
  const { order = newestFirst } = query;
  return mergedPage(sources, (a, b) => isBefore(order, a, b), {
    ...query,
    grows: order.by === 'created' && order.direction === 'asc',
    fits: (job) => bytes.take(sizeOf(job)),
    check: (cursor) => (order.by === 'created' ? readCursor(cursor) : readSortCursor(order, cursor)),
  });
}

function isBefore(order: JobOrder, a: JobRecord, b: JobRecord): boolean {
  if (order.by !== 'created') return isStartBefore(order, a, b);
  return order.direction === 'desc' ? isListedBefore(a, b) : isListedBefore(b, a);
}

/** Between shards unfinished jobs go by the time of their creation. */
function isListedBefore(a: JobRecord, b: JobRecord): boolean {
  const [aEnded, bEnded] = [(a.state & Terminal) !== 0, (b.state & Terminal) !== 0];
  if (aEnded !== bEnded) return bEnded;
  return aEnded ? (a.finishedAt ?? 0) > (b.finishedAt ?? 0) : a.createdAt > b.createdAt;
}
