import { cronDestination, defaultQueue, ProtocolError } from '@ojs-ts/core';
import type { CronRecord, Crons } from '../../storage.ts';
import type { LimitOwners } from './limit-owners.ts';
import type { Spaces } from './spaces.ts';
import { interleaved, spread } from './spread.ts';
import { Whereabouts } from './whereabouts.ts';

/** A cron is in the namespace of its template's queue, since a firing and its job are one commit. */
export function crons(spaces: Spaces, limits: LimitOwners): Crons {
  const known = new Whereabouts(spaces, 'cron');
  const found = async (read: (crons: Crons) => Promise<readonly CronRecord[]>) =>
    (await spaces.each((space) => read(space.crons))).flat();
  return {
    list: async () => (await found((crons) => crons.list())).sort(byName),
    get: async (name) => (await spaces.each((space) => space.crons.get(name))).find((cron) => cron !== null) ?? null,

    async put(cron, now, expected) {
      const { place, queue, keys } = placeOf(spaces, cron.spec, now);
      const there = await spaces.each((space) => space.present('cron', [cron.name]));
      const other = there.findIndex(([isThere], at) => at !== place && isThere);
      if (other >= 0)
        refuseMove(cron.name, queue, spaces.map.namespaces[place] ?? '', spaces.map.namespaces[other] ?? '');
      await limits.check(keys.map((key) => ({ key, place })));
      return spaces.at(place).crons.put(cron, now, expected);
    },

    remove: async (name) =>
      (await spaces.each((space) => space.crons.remove(name))).find((cron) => cron !== null) ?? null,

    async due(now, limit) {
      const due = await found((crons) => crons.due(now, limit));
      return due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byName(a, b)).slice(0, limit);
    },

    async unfinished(names, limit) {
      const all = await spaces.each((space) => space.crons.unfinished(names, limit));
      return names.map((_, at) => {
        const lists = all.map((ofSpace) => ofSpace[at] ?? []);
        return interleaved(lists, (a, b) => a.createdAt < b.createdAt).slice(0, limit);
      });
    },

    async fire(firings, now) {
      const skipped = firings.flatMap(({ name, job }) => (job === null ? [name] : []));
      const found = await known.find(skipped);
      const places = new Map(skipped.map((name, at) => [name, found[at] ?? null]));
      return spread(
        firings,
        firings.map(({ name, job }) => (job === null ? (places.get(name) ?? null) : spaces.map.indexOf(job.queue))),
        (place, those) => spaces.at(place).crons.fire(those, now),
        null,
      );
    },
  };
}

function placeOf(
  spaces: Spaces,
  spec: string,
  now: number,
): { readonly place: number; readonly queue: string; readonly keys: readonly string[] } {
  const { queue, limits } = cronDestination(spec, now) ?? { queue: defaultQueue, limits: [] };
  return { place: spaces.map.indexOf(queue), queue, keys: limits.map(({ key }) => key) };
}

function refuseMove(name: string, queue: string, to: string, from: string): never {
  throw new ProtocolError(
    'unsupported',
    `Cron ${name} is in namespace ${from}, and queue ${queue} is in namespace ${to}: remove the cron and register it again to move it.`,
    { name, namespace: from },
  );
}

function byName(a: CronRecord, b: CronRecord): number {
  return a.name < b.name ? -1 : 1;
}
