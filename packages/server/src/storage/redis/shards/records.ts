import { ProtocolError } from '@ojs-ts/core';
import { cronKind, dueKind, readCronRecord } from '@ojs-ts/core/cron';
import { cronDestination, defaultQueue } from '@ojs-ts/core/job';
import type { CommitAnswer, RecordChange, RecordKey, Records, StoredRecord } from '../../storage.ts';
import type { QueueMap } from '../connection/queue-map.ts';
import { fanOut } from './fan-out.ts';
import type { LimitOwners } from './limit-owners.ts';
import type { Shards } from './shards.ts';

/** Records are in the home, but a cron is in the shard of its template's queue: a firing and its job are one commit. */
export function records(shards: Shards, limits: LimitOwners): Records {
  const { home, map } = shards;

  /** Refuses to move a cron, and a key that counts in another shard. */
  async function check(cron: StoredRecord, place: number, now: number): Promise<void> {
    const there = await shards.each((shard) => shard.records.get([cron]));
    const other = there.findIndex(([record], at) => at !== place && record !== null);
    const { queue = defaultQueue, limits: keys = [] } = destinationOf(cron, now) ?? {};
    if (other >= 0) refuseMove(cron.key, queue, map.namespaces[place] ?? '', map.namespaces[other] ?? '');
    await limits.check(keys.map(({ key }) => ({ key, place })));
  }

  async function placeOf(change: RecordChange, now: number): Promise<number | null> {
    const put = change.puts?.find(isCron);
    if (put) {
      const place = placeOfCron(map, put, now);
      if (change.job === undefined) await check(put, place, now);
      return place;
    }
    const removed = change.deletes?.find(isCron);
    if (!removed) return 0;
    const there = await shards.each((shard) => shard.records.get([removed]));
    const place = there.findIndex(([record]) => record !== null);
    return place < 0 ? null : place;
  }

  return {
    async get(keys) {
      if (!keys.some(isCron)) return home.records.get(keys);
      const { found, away } = await shards.answering((shard) => shard.records.get(keys));
      const answers = keys.map((_, at) => found.flatMap((records) => records?.[at] ?? [])[0] ?? null);
      if (away !== null && answers.includes(null)) throw away;
      return answers;
    },

    async scan(kind, page) {
      if (kind !== cronKind && kind !== dueKind) return home.records.scan(kind, page);
      const { backwards = false, skip = 0, limit } = page;
      const found = await shards.present((shard) =>
        shard.records.scan(kind, { ...page, skip: 0, limit: skip + limit }),
      );
      const sorted = found.flat().sort((a, b) => (a.key < b.key !== backwards ? -1 : 1));
      return sorted.slice(skip, skip + limit);
    },

    async commit(changes, now = 0) {
      const places = await Promise.all(changes.map((change) => placeOf(change, now)));
      for (const [at, { job }] of changes.entries()) {
        const place = places[at] ?? 0;
        if (job && map.indexOf(job.queue) !== place) refuseJob(map, place, job.queue);
      }
      return fanOut<RecordChange, CommitAnswer>(
        changes,
        places,
        (place, those) => shards.at(place).records.commit(those, now),
        false,
      );
    },
  };
}

/** The shard of the queue of a cron's runs. */
export function placeOfCron(map: QueueMap, cron: StoredRecord, now: number): number {
  return map.indexOf(destinationOf(cron, now)?.queue ?? defaultQueue);
}

function destinationOf(cron: StoredRecord, now: number): ReturnType<typeof cronDestination> {
  return cronDestination(readCronRecord(cron).spec, now);
}

function isCron({ kind }: RecordKey): boolean {
  return kind === cronKind;
}

/** A job in a namespace that is not its queue's would never be claimed. */
export function refuseJob(map: QueueMap, place: number, queue: string): never {
  const [from, to] = [map.namespaces[place], map.namespaces[map.indexOf(queue)]];
  throw new ProtocolError(
    'unsupported',
    `The records are in namespace ${from}, and queue ${queue} is in namespace ${to}: a commit cannot span two.`,
    { queue, namespace: to },
  );
}

function refuseMove(name: string, queue: string, to: string, from: string): never {
  throw new ProtocolError(
    'unsupported',
    `Cron ${name} is in namespace ${from}, and queue ${queue} is in namespace ${to}: ` +
      'remove the cron and register it again to move it.',
    { name, namespace: from },
  );
}
