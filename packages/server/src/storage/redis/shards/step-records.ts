import { ProtocolError } from '@ojs-ts/core';
import { jobOfSteps } from '@ojs-ts/core/durable';
import type { JobId } from '@ojs-ts/core/job';
import type { CommitAnswer, RecordChange, RecordKey, Records, StoredRecord } from '../../storage.ts';
import type { Locations } from './locations.ts';
import { refuseJob } from './records.ts';
import type { Shards } from './shards.ts';

/** Rows of steps are in the shard of their job, and a change that names a job is made there. */
export function stepRecords(shards: Shards, locations: Locations, others: Records): Records {
  const { map } = shards;

  async function check(place: number, change: RecordChange, ids: readonly JobId[]): Promise<void> {
    const { job } = change;
    if (job && map.indexOf(job.queue) !== place) refuseJob(map, place, job.queue);
    const places = ids.length === 1 ? [] : await locations.guess(ids);
    const elsewhere = places.find((other) => other !== null && other !== place);
    const away = elsewhere ?? (place !== 0 && keysOf(change).some((key) => jobOfSteps(key) === null) ? 0 : null);
    if (away === null) return;
    throw new ProtocolError(
      'unsupported',
      `Job ${ids[0]} is in namespace ${map.namespaces[place]}, and other parts of the change are in namespace ` +
        `${map.namespaces[away]}: a commit cannot span two. Commit them one after the other.`,
    );
  }

  return {
    async get(keys) {
      const { ofJobs, rest } = split(keys, jobOf);
      const [found, ofOthers] = await Promise.all([
        locations.run<Named<RecordKey>, StoredRecord | null>(
          ofJobs,
          idOf,
          (place, those) => shards.at(place).records.get(those.map(({ item }) => item)),
          null,
          (record) => record === null,
        ),
        rest.length === 0 ? [] : others.get(rest.map(({ item }) => item)),
      ]);
      return merged(keys.length, [ofJobs, found], [rest, ofOthers]);
    },

    async scan(kind, page) {
      const job = jobOfSteps({ kind });
      if (job === null) return others.scan(kind, page);
      const [found = []] = await locations.run<JobId, readonly StoredRecord[]>(
        [job],
        (id) => id,
        (place, ids) => Promise.all(ids.map(() => shards.at(place).records.scan(kind, page))),
        [],
        (records) => records.length === 0,
      );
      return found;
    },

    async commit(changes, now = 0) {
      const { ofJobs, rest } = split(changes, jobsOf);
      const [made, ofOthers] = await Promise.all([
        locations.run<Named<RecordChange>, CommitAnswer>(
          ofJobs,
          idOf,
          async (place, those) => {
            await Promise.all(those.map(({ item, ids }) => check(place, item, ids)));
            return shards.at(place).records.commit(
              those.map(({ item }) => item),
              now,
            );
          },
          false,
          (answer) => answer === false,
        ),
        rest.length === 0
          ? []
          : others.commit(
              rest.map(({ item }) => item),
              now,
            ),
      ]);
      return merged(changes.length, [ofJobs, made], [rest, ofOthers]);
    },
  };
}

/** An item with its place in the call, and the jobs that it names. */
interface Named<T> {
  readonly item: T;
  readonly at: number;
  readonly ids: readonly JobId[];
}

function idOf({ ids }: Named<unknown>): JobId {
  return ids[0] ?? '';
}

function split<T>(items: readonly T[], idsOf: (item: T) => readonly JobId[]) {
  const named = items.map((item, at): Named<T> => ({ item, at, ids: [...new Set(idsOf(item))] }));
  return { ofJobs: named.filter(({ ids }) => ids.length > 0), rest: named.filter(({ ids }) => ids.length === 0) };
}

function merged<T>(
  count: number,
  ...parts: readonly (readonly [named: readonly Named<unknown>[], answers: readonly T[]])[]
): readonly T[] {
  const answers = new Map(parts.flatMap(([named, own]) => named.map(({ at }, index) => [at, own[index]] as const)));
  return Array.from({ length: count }, (_, at) => answers.get(at)).filter((answer) => answer !== undefined);
}

function jobsOf(change: RecordChange): readonly JobId[] {
  return [...(change.claims ?? []).map(({ id }) => id), ...keysOf(change).flatMap(jobOf)];
}

function jobOf(key: RecordKey): readonly JobId[] {
  const id = jobOfSteps(key);
  return id === null ? [] : [id];
}

function keysOf({ checks = [], puts = [], deletes = [] }: RecordChange): readonly RecordKey[] {
  return [...checks, ...puts, ...deletes];
}
