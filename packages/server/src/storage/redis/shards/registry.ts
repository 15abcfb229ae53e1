import type { JobId } from '@ojs-ts/core/job';
import { compareMinutes } from '@ojs-ts/core/statistics';
import type { Beaten, LimitRecord, Registry, WorkerBeat } from '../../storage.ts';
import type { LimitOwners } from './limit-owners.ts';
import type { Locations } from './locations.ts';
import type { Shards } from './shards.ts';

/** Queues and limits are in their shards; workers, who may have jobs of all shards, in the home. */
export function registry(shards: Shards, locations: Locations, owners: LimitOwners): Registry {
  return {
    async queues(which) {
      const found = await shards.present((shard, place) =>
        shard.registry.queues(
          typeof which === 'object' ? which.filter((name) => shards.map.indexOf(name) === place) : which,
        ),
      );
      return found.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    async oldest(names) {
      const found = await shards.present((shard, place) =>
        shard.registry.oldest(names.filter((name) => shards.map.indexOf(name) === place)),
      );
      return found.flat();
    },

    pauseQueue: (name, paused, now) => shards.of(name).registry.pauseQueue(name, paused, now),
    configureQueue: (name, patch, now, expected) => shards.of(name).registry.configureQueue(name, patch, now, expected),
    removeQueue: (name) => shards.of(name).registry.removeQueue(name),

    async statistics(since, until, names) {
      const found = await shards.present((shard, place) =>
        shard.registry.statistics(
          since,
          until,
          names?.filter((name) => shards.map.indexOf(name) === place),
        ),
      );
      return found.flat().sort(compareMinutes);
    },

    async minuteBehind(count, since, until) {
      const found = await shards.present((shard) => shard.registry.minuteBehind(count, since, until));
      return found.reduce((first, at) => (first === null || (at !== null && at < first) ? at : first), null);
    },

    async limits({ after, offset = 0, limit }) {
      const skip = after === undefined ? offset : 0;
      const query = { ...(after !== undefined && { after }), limit: skip + limit + 1 };
      const found = await shards.present((shard) => shard.registry.limits(query));
      const records = joined(found.flatMap(({ items }) => items));
      const items = records.slice(skip, skip + limit);
      const next = records.length > skip + items.length ? (items.at(-1)?.key ?? null) : null;
      return { items, next, total: found.reduce((sum, { total }) => sum + total, 0) };
    },

    async limit(key) {
      const [place] = await owners.find([key]);
      return place === null || place === undefined ? null : shards.at(place).registry.limit(key);
    },

    async overrideLimit(key, override, now) {
      const [place] = await owners.find([key]);
      // The first job under the key most likely comes to the shard with most queues.
      return shards.at(place ?? shards.map.rest).registry.overrideLimit(key, override, now);
    },

    beat: (beats, now) => beat(shards, locations, beats, now),
    workers: () => shards.home.registry.workers(),
    direct: (worker, directive) => shards.home.registry.direct(worker, directive),

    async forgetWorker(worker) {
      const { found } = await shards.answering((shard) => shard.registry.forgetWorker(worker));
      return found[0] ?? false;
    },
  };
}

/** Lists a key that several shards have once, as the first one has it, with the jobs of all. */
function joined(records: readonly LimitRecord[]): readonly LimitRecord[] {
  const found = new Map<string, LimitRecord>();
  for (const record of records) {
    const first = found.get(record.key);
    const both = first && { ...first, active: first.active + record.active, waiting: first.waiting + record.waiting };
    found.set(record.key, both ?? record);
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The home gets the whole heartbeat, since it keeps the worker; another shard gets the part about its jobs. */
async function beat(
  shards: Shards,
  locations: Locations,
  beats: readonly WorkerBeat[],
  now: number,
): Promise<readonly Beaten[]> {
  const held = [...new Set(beats.flatMap(({ holds }) => (holds ?? []).map(({ id }) => id)))];
  const guessed = await locations.guess(held, true);
  const places = new Map(held.map((id, at) => [id, guessed[at] ?? null]));
  const extended = beats.map(() => new Set<number>());
  const { found: directives, away } = await shards.answering(async (shard, place) => {
    const listedBeats = beats.flatMap((beat, at) =>
      place === 0 ? [whole(beat, at)] : partsOf(beat, at, (id) => places.get(id) === place),
    );
    if (listedBeats.length === 0) return [];
    const answers = await shard.registry.beat(
      listedBeats.map(({ beat }) => beat),
      now,
    );
    for (const [index, { at, beat, listed }] of listedBeats.entries()) {
      const counts = new Map<JobId, number>();
      for (const id of answers[index]?.extended ?? []) counts.set(id, (counts.get(id) ?? 0) + 1);
      for (const [number, { id }] of (beat.holds ?? []).entries()) {
        const count = counts.get(id) ?? 0;
        counts.set(id, count - 1);
        if (count > 0) extended[at]?.add(listed[number] ?? 0);
      }
    }
    return answers.map(({ directive }) => directive);
  });
  return beats.map(({ holds }, at) => {
    const ids = (holds ?? []).map(({ id }) => id);
    // A job that was not found is not lost while a namespace is away: its worker keeps it.
    const isKnown = (id: JobId) => away === null || directives[places.get(id) ?? -1] !== undefined;
    const lost = ids.filter((id, number) => !extended[at]?.has(number) && isKnown(id));
    // The next heartbeat looks up the place of a lost job again.
    for (const id of lost) locations.forget(id);
    return {
      directive: directives[0]?.[at] ?? null,
      extended: ids.filter((_, number) => extended[at]?.has(number)),
      lost,
    };
  });
}

/**
 * A heartbeat as a shard gets it: `at` is the index of the whole one in the call, `listed` the index of each job in its
 * list.
 */
interface ShardBeat {
  readonly at: number;
  readonly beat: WorkerBeat;
  readonly listed: readonly number[];
}

function whole(beat: WorkerBeat, at: number): ShardBeat {
  return { at, beat, listed: [...(beat.holds ?? []).keys()] };
}

/**
 * A heartbeat that lists a job under two claims becomes two, so that the answers say which claim holds. The parts keep
 * the order of the list, which is that of the events.
 */
function partsOf(beat: WorkerBeat, at: number, isThere: (id: JobId) => boolean): readonly ShardBeat[] {
  const parts: { readonly ids: Set<JobId>; readonly listed: number[] }[] = [];
  for (const [number, { id }] of (beat.holds ?? []).entries()) {
    if (!isThere(id)) continue;
    const last = parts.at(-1);
    if (last === undefined || last.ids.has(id)) parts.push({ ids: new Set([id]), listed: [number] });
    else {
      last.ids.add(id);
      last.listed.push(number);
    }
  }
  return parts.map(({ listed }) => ({
    at,
    listed,
    beat: { ...beat, holds: listed.flatMap((number) => beat.holds?.[number] ?? []), partial: true },
  }));
}
