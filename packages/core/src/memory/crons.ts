import { type CronRecord, type Firing, fired, putCron } from '@ojs-ts/core/cron';
import type { Inserted } from '@ojs-ts/core/lifecycle';
import type { Crons } from '../store/crons.ts';
import type { Change } from './change.ts';
import { insertGroup } from './insert.ts';
import { move } from './move.ts';
import type { Tables } from './tables.ts';

export function crons(open: () => Tables): Crons {
  return {
    list() {
      return [...open().crons.values()].sort(byName);
    },

    get(name) {
      return open().crons.get(name) ?? null;
    },

    put(given, now, expected) {
      const { crons } = open();
      const current = crons.get(given.name) ?? null;
      if (expected !== undefined && expected !== (current?.version ?? 0)) return null;
      const cron = putCron(current, given, now);
      crons.set(cron.name, cron);
      return { created: current === null, cron };
    },

    remove(name) {
      const { crons } = open();
      const current = crons.get(name) ?? null;
      crons.delete(name);
      return current;
    },

    due(now, limit) {
      const due = [...open().crons.values()].filter(({ enabled, dueAt }) => enabled && dueAt !== null && dueAt <= now);
      return due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byName(a, b)).slice(0, limit);
    },

    unfinished(names, limit) {
      const { runs } = open();
      return names.map((name) => {
        const rows = [...(runs.get(name) ?? [])].sort((a, b) => a.number - b.number);
        return rows.slice(0, limit).map(({ job }) => job);
      });
    },

    fire(firings, now) {
      const tables = open();
      return tables.change(now, (change) => firings.map((firing) => fire(tables, firing, change)));
    },
  };
}

function fire(tables: Tables, firing: Firing, change: Change): { readonly inserted: Inserted | null } | null {
  const cron = tables.crons.get(firing.name);
  if (cron?.version !== firing.version) return null;
  for (const cancel of firing.cancels) move(tables, cancel, change);
  const [inserted = null] = firing.job ? insertGroup(tables, [firing.job], change, { always: true }) : [];
  if (inserted?.kind !== 'duplicate') change.logAll(firing.events);
  tables.crons.set(cron.name, fired(cron, firing, inserted, change.now));
  return { inserted };
}

function byName(a: CronRecord, b: CronRecord): number {
  return a.name < b.name ? -1 : 1;
}
