import type { Millis } from '@ojs-ts/core';
import { fired, putCron } from '@ojs-ts/core/cron';
import { readCron } from '../rows.ts';
import type { CronRecord, Crons, Firing } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { insertGroup } from './insert.ts';
import { move } from './move.ts';
import { readJob } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

export function crons(sql: Connection, store: GroupCommit): Crons {
  return {
    list: () => store.read(() => sql.all(statements.crons).map(readCron).sort(byName)),

    get: (name) => store.read(() => find(sql, name)),

    put: (given, now, expected) =>
      store.write(() => {
        const current = find(sql, given.name);
        if (expected !== undefined && expected !== (current?.version ?? 0)) return null;
        const cron = putCron(current, given, now);
        writeCron(sql, cron);
        return { created: current === null, cron };
      }),

    remove: (name) =>
      store.write(() => {
        const current = find(sql, name);
        sql.run('DELETE FROM ojs_crons WHERE name = ?', name);
        return current;
      }),

    due: (now, limit) => store.read(() => sql.all(statements.dueCrons, now, limit).map(readCron)),

    unfinished: (names, limit) =>
      store.read(() => names.map((name) => sql.all(statements.runs, name, limit).map((cells) => readJob(cells).job))),

    fire: (firings, now) =>
      store.write((tx) => {
        const answers = firings.map((firing) => fire(tx, firing, now));
        tx.end(now);
        return answers;
      }),
  };
}

function fire(tx: Transaction, firing: Firing, now: Millis): Awaited<ReturnType<Crons['fire']>>[number] {
  const cron = find(tx.sql, firing.name);
  if (cron?.version !== firing.version) return null;
  for (const cancel of firing.cancels) move(tx, cancel, now);
  const [inserted = null] = firing.job ? insertGroup(tx, [firing.job], now, { always: true }) : [];
  if (inserted?.kind !== 'duplicate') tx.log.add(firing.events);
  writeCron(tx.sql, fired(cron, firing, inserted, now));
  return { inserted };
}

function find(sql: Connection, name: string): CronRecord | null {
  const cells = sql.get(statements.cron, name);
  return cells ? readCron(cells) : null;
}

function writeCron(sql: Connection, cron: CronRecord): void {
  const { name, version, enabled, dueAt, runCount, lastRunAt, lastJob, createdAt, updatedAt, spec } = cron;
  sql.change(
    statements.writeCron,
    name,
    version,
    enabled ? 1 : 0,
    dueAt,
    runCount,
    lastRunAt,
    lastJob,
    createdAt,
    updatedAt,
    spec,
  );
}

function byName(a: CronRecord, b: CronRecord): number {
  return a.name < b.name ? -1 : 1;
}
