import type { Storage } from '../../storage.ts';
import type { Namespace } from '../namespace.ts';
import { backup } from './backup.ts';
import { crons } from './crons.ts';
import { jobs } from './jobs.ts';
import { LimitOwners } from './limit-owners.ts';
import { MergedLog } from './log.ts';
import type { QueueMap } from './queue-map.ts';
import { registry } from './registry.ts';
import { Spaces } from './spaces.ts';
import { adoptMap } from './start.ts';
import { upkeep } from './upkeep.ts';
import { Whereabouts } from './whereabouts.ts';
import { workflows } from './workflows.ts';

/**
 * One store over several namespaces. A queue is in one of them, and so is everything that is one commit with its jobs; what belongs to no queue (documents,
 * workers, leases, the order of events) is in the first, the home. What would have to be one commit in two namespaces is refused (ProtocolError `unsupported`).
 */
export function partitioned(
  map: QueueMap,
  open: (name: string) => Namespace,
  logged: boolean,
): Omit<Storage, 'traits'> {
  const spaces = new Spaces(map, open);
  const { home } = spaces;
  const known = new Whereabouts(spaces, 'job');
  const owners = new LimitOwners(spaces);
  const log = new MergedLog(spaces, logged);
  return {
    jobs: jobs(spaces, known, owners),
    upkeep: upkeep(spaces, log),
    registry: registry(spaces, known, owners),
    workflows: workflows(spaces, owners),
    crons: crons(spaces, owners),
    documents: home.documents,
    inbox: null,
    backup: backup(spaces, log),
    layout: () => home.layout(),
    async migrate() {
      const [{ from, to }] = [await home.migrate(), ...(await spaces.each((space) => space.migrate()))];
      await adoptMap(spaces, open, await home.clock());
      return { from, to };
    },
    async clock() {
      await spaces.follow();
      return home.clock();
    },
    async ping() {
      await spaces.each((space) => space.ping());
    },
    seed: () => home.seed(),
    async subscribe(onWake) {
      const subscriptions = await spaces.each((space) => space.subscribe(onWake));
      return {
        async [Symbol.asyncDispose]() {
          for (const subscription of subscriptions) await subscription[Symbol.asyncDispose]();
        },
      };
    },
    events: (after, limit) => log.events(after, limit),
    record: (events, now) => log.record(events, now),
    async clear() {
      for (const space of spaces.all.toReversed()) await space.clear();
      log.forget();
    },
    async [Symbol.asyncDispose]() {
      await spaces.close();
    },
  };
}
