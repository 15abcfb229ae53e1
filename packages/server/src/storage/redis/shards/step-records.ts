import { ProtocolError } from '@ojs-ts/core';
import { jobOfSteps } from '@ojs-ts/core/durable';
import type { JobId } from '@ojs-ts/core/job';
import type { CommitAnswer, RecordChange, RecordKey, Records, StoredRecord } from '../../storage.ts';
import type { Namespace } from '../namespace.ts';
import type { Locations } from './locations.ts';
import { refuseJob } from './records.ts';
import type { Shards } from './shards.ts';

/** Rows of steps are in the shard of their job, and a change that names a job is made there. */
export function stepRecords(shards: Shards, locations: Locations, others: Records): Records {
  const { map } = shards;

  /** Runs what names a job in the shard of that job, and the rest as `others` do. */
  async function route<In, Out>(
    items: readonly In[],
    idOf: (item: In) => JobId | undefined,
    run: (records: Namespace['records'], items: readonly In[]) => Promise<readonly Out[]>,
    missing: Out,
  ): Promise<readonly Out[]> {
    const own = items.filter((item) => idOf(item) !== undefined);
    const rest = items.filter((item) => idOf(item) === undefined);
    const [found, ofOthers] = await Promise.all([
      locations.run(
        own,
        (item) => idOf(item) ?? '',
        (place, those) => run(shards.at(place).records, those),
        missing,
        (answer) => answer === missing,
      ),
      rest.length === 0 ? [] : run(others, rest),
    ]);
    const [ofJobs, ofRest] = [found.values(), ofOthers.values()];
    return items.map((item) => (idOf(item) === undefined ? ofRest : ofJobs).next().value ?? missing);
  }

  /** Refuses a change of which a part is in another namespace than its job. */
  async function check(change: RecordChange): Promise<void> {
    const { job } = change;
    const ids = [...new Set(jobsOf(change))];
    const isBeside = keysOf(change).some((key) => jobOfSteps(key) === null);
    if (ids.length === 0 || (ids.length === 1 && !isBeside && job === undefined)) return;
    const [place, ...more] = (await locations.guess(ids)).filter((place) => place !== null);
    if (place === undefined) return;
    if (job && map.indexOf(job.queue) !== place) refuseJob(map, place, job.queue);
    const away = [...more, ...(isBeside ? [0] : [])].find((other) => other !== place);
    if (away === undefined) return;
    throw new ProtocolError(
      'unsupported',
      `Job ${ids[0]} is in namespace ${map.namespaces[place]}, and other parts of the change are in namespace ` +
        `${map.namespaces[away]}: a commit cannot span two. Commit them one after the other.`,
    );
  }

  return {
    get: (keys) =>
      route<RecordKey, StoredRecord | null>(
        keys,
        (key) => jobOfSteps(key) ?? undefined,
        (records, those) => records.get(those),
        null,
      ),

    async scan(kind, page) {
      const scanned = await route<RecordKey, readonly StoredRecord[] | null>(
        [{ kind, key: '' }],
        (key) => jobOfSteps(key) ?? undefined,
        async (records) => {
          const found = await records.scan(kind, page);
          return [found.length === 0 ? null : found];
        },
        null,
      );
      return scanned[0] ?? [];
    },

    async commit(changes, now = 0) {
      await Promise.all(changes.map(check));
      return route<RecordChange, CommitAnswer>(
        changes,
        (change) => jobsOf(change)[0],
        (records, those) => records.commit(those, now),
        false,
      );
    },
  };
}

function jobsOf(change: RecordChange): readonly JobId[] {
  return [...(change.claims ?? []).map(({ id }) => id), ...keysOf(change).flatMap((key) => jobOfSteps(key) ?? [])];
}

function keysOf({ checks = [], puts = [], deletes = [] }: RecordChange): readonly RecordKey[] {
  return [...checks, ...puts, ...deletes];
}
