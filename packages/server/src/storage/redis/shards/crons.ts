import { ProtocolError } from '@ojs-ts/core';
import { cronDestination, defaultQueue } from '@ojs-ts/core/job';
import type { CronRecord, Crons } from '../../storage.ts';
import { fanOut, mergeOrdered } from './fan-out.ts';
import type { LimitOwners } from './limit-owners.ts';
import { Locations } from './locations.ts';
import type { Shards } from './shards.ts';

/** A cron is in the shard of its template's queue, since a firing and its job are one commit. */
export function crons(shards: Shards, limits: LimitOwners): Crons {
  const locations = new Locations(shards, 'cron');
  const found = async (read: (crons: Crons) => Promise<readonly CronRecord[]>) =>
    (await shards.present((shard) => read(shard.crons))).flat();
  return {
    list: async () => (await found((crons) => crons.list())).sort(byName),
    async get(name) {
      const { found, away } = await shards.answering((shard) => shard.crons.get(name));
      const cron = found.find((cron) => cron !== null && cron !== undefined) ?? null;
      if (cron === null && away !== null) throw away;
      return cron;
    },

    async put(cron, now, expected) {
      const { place, queue, keys } = placeOf(shards, cron.spec, now);
      const there = await shards.each((shard) => shard.exists('cron', [cron.name]));
      const other = there.findIndex(([isThere], at) => at !== place && isThere);
      if (other >= 0)
        refuseMove(cron.name, queue, shards.map.namespaces[place] ?? '', shards.map.namespaces[other] ?? '');
      await limits.check(keys.map((key) => ({ key, place })));
      return shards.at(place).crons.put(cron, now, expected);
    },

    remove: async (name) =>
      (await shards.each((shard) => shard.crons.remove(name))).find((cron) => cron !== null) ?? null,

    async due(now, limit) {
      const due = await found((crons) => crons.due(now, limit));
      return due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byName(a, b)).slice(0, limit);
    },

    async unfinished(names, limit) {
      const all = await shards.present((shard) => shard.crons.unfinished(names, limit));
      return names.map((_, at) => {
        const lists = all.map((ofShard) => ofShard[at] ?? []);
        return mergeOrdered(lists, (a, b) => a.createdAt < b.createdAt).slice(0, limit);
      });
    },

    async fire(firings, now) {
      const skipped = firings.flatMap(({ name, job }) => (job === null ? [name] : []));
      const found = await locations.find(skipped);
      const places = new Map(skipped.map((name, at) => [name, found[at] ?? null]));
      return fanOut(
        firings,
        firings.map(({ name, job }) => (job === null ? (places.get(name) ?? null) : shards.map.indexOf(job.queue))),
        (place, those) => shards.at(place).crons.fire(those, now),
        null,
      );
    },
  };
}

function placeOf(
  shards: Shards,
  spec: string,
  now: number,
): { readonly place: number; readonly queue: string; readonly keys: readonly string[] } {
  const { queue, limits } = cronDestination(spec, now) ?? { queue: defaultQueue, limits: [] };
  return { place: shards.map.indexOf(queue), queue, keys: limits.map(({ key }) => key) };
}

function refuseMove(name: string, queue: string, to: string, from: string): never {
  throw new ProtocolError(
    'unsupported',
    `Cron ${name} is in namespace ${from}, and queue ${queue} is in namespace ${to}: ` +
      'remove the cron and register it again to move it.',
    { name, namespace: from },
  );
}

function byName(a: CronRecord, b: CronRecord): number {
  return a.name < b.name ? -1 : 1;
}
