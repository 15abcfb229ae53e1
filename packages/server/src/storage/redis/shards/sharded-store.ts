import type { Storage } from '../../storage.ts';
import { StoreUnwritable } from '../../unavailable.ts';
import type { QueueMap } from '../connection/queue-map.ts';
import type { Namespace } from '../namespace.ts';
import { adoptMap } from './adopt-map.ts';
import { backup } from './backup.ts';
import { jobs } from './jobs.ts';
import { LimitOwners } from './limit-owners.ts';
import { Locations } from './locations.ts';
import { MergedLog } from './merged-log.ts';
import { records } from './records.ts';
import { registry } from './registry.ts';
import { Shards } from './shards.ts';
import { stepRecords } from './step-records.ts';
import { upkeep } from './upkeep.ts';
import { workflows } from './workflows.ts';

/**
 * One store over several namespaces, its shards. A shard has some queues and whatever is one commit with their jobs.
 * Data that belongs to no queue (records but crons, workers, leases, the order of events) is in the first shard,
 * the home. A change that would be one commit in two shards is refused (ProtocolError `unsupported`).
 */
export function shardedStore(
  map: QueueMap,
  open: (name: string) => Namespace,
  logged: boolean,
): Omit<Storage, 'traits'> {
  const shards = new Shards(map, open);
  const { home } = shards;
  const locations = new Locations(shards, 'job');
  const owners = new LimitOwners(shards);
  const log = new MergedLog(shards, logged);
  return {
    jobs: jobs(shards, locations, owners),
    upkeep: upkeep(shards, log),
    registry: registry(shards, locations, owners),
    workflows: workflows(shards, owners),
    records: stepRecords(shards, locations, records(shards, owners)),
    inbox: null,
    backup: backup(shards, log),
    layout: () => home.layout(),
    async migrate() {
      const [{ from, to }] = [await home.migrate(), ...(await shards.each((shard) => shard.migrate()))];
      await adoptMap(shards, open, await home.clock());
      return { from, to };
    },
    async clock() {
      await shards.checkUse();
      return home.clock();
    },
    async ping() {
      await shards.present((shard) => shard.ping());
    },
    async probe() {
      const { away } = await shards.answering((shard) => shard.probe());
      if (away instanceof StoreUnwritable) throw away;
    },
    away: () => shards.away,
    diagnose: () => home.diagnose(),
    seed: () => home.seed(),
    leaseKey: () => home.leaseKey(),
    async subscribe(onWake) {
      const subscriptions = await shards.each((shard) => shard.subscribe(onWake));
      return {
        async [Symbol.asyncDispose]() {
          for (const subscription of subscriptions) await subscription[Symbol.asyncDispose]();
        },
      };
    },
    events: (...range) => log.events(...range),
    eventsBefore: (...range) => log.eventsBefore(...range),
    record: (events, now) => log.record(events, now),
    async clear() {
      for (const shard of shards.all.toReversed()) await shard.clear();
      log.forget();
    },
    async [Symbol.asyncDispose]() {
      await shards.close();
    },
  };
}
