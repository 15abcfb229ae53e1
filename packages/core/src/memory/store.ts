import type { Millis } from '@ojs-ts/core';
import type { EventKind } from '@ojs-ts/core/events';
import type { Json } from '@ojs-ts/core/job';
import { jobs } from './jobs.ts';
import { records } from './records.ts';
import { registry } from './registry.ts';
import type { Tables } from './tables.ts';
import { upkeep } from './upkeep.ts';
import { workflows } from './workflows.ts';

/**
 * The operations of a store in the memory of this process; all answer at once. Their code takes the plainest way to
 * each answer: tests compare the other storages with it.
 * @param open the tables, each time they are needed: a store that is emptied gets new ones.
 */
export function memoryStore(open: () => Tables) {
  return {
    jobs: jobs(open),
    upkeep: upkeep(open),
    registry: registry(open),
    workflows: workflows(open),
    records: records(open),
    log: {
      events: (after: number, limit: number, kinds?: readonly EventKind[]) => open().log.after(after, limit, kinds),
      eventsBefore: (before: number, limit: number, kinds?: readonly EventKind[]) =>
        open().log.before(before, limit, kinds),
      record: (events: readonly Json[], now: Millis) => open().change(now, (change) => change.logAll(events)),
    },
  };
}
