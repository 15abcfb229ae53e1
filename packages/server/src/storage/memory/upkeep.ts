import { type JobRecord, type Json, type Millis, Terminal } from '@ojs-ts/core';
import { isExpired, isIn, overdueAt } from '../apply.ts';
import type { PruneRules, Upkeep } from '../storage.ts';
import { promote } from './jobs.ts';
import type { Row, Tables } from './tables.ts';

export function upkeep(open: () => Tables): Upkeep {
  return {
    async promote(now, limit) {
      const tables = open();
      const entries: Json[] = [];
      const counts = promote(tables, now, limit, entries);
      tables.commit(entries, now);
      return [...counts].map(([queue, count]) => ({ queue, count }));
    },

    async overdue(now, limit) {
      const tables = open();
      const late: { readonly at: Millis; readonly row: Row }[] = [];
      for (const row of tables.active) {
        const at = overdueAt(row.job);
        if (at !== null && at <= now) late.push({ at, row });
      }
      for (const row of tables.expiring) {
        if (isExpired(row.job, now)) late.push({ at: row.job.expiresAt ?? now, row });
      }
      late.sort((a, b) => a.at - b.at || a.row.number - b.row.number);
      return late.slice(0, limit).map(({ row }) => row.job);
    },

    async held(after, limit) {
      const tables = open();
      const from = after === null ? 0 : Number(after);
      const rows = [...tables.active].filter((row) => row.number > from && row.job.worker !== null).sort((a, b) => a.number - b.number);
      const page = rows.slice(0, limit);
      const items = page.flatMap(({ job: { id, claim, worker, startedAt } }) =>
        worker === null || startedAt === null ? [] : [{ id, claim, worker, startedAt }],
      );
      return { items, next: rows.length > page.length ? String(page.at(-1)?.number ?? from) : null };
    },

    async prune(rules, limit) {
      const tables = open();
      const jobs = rules.jobs.reduce((gone, rule) => gone + pruneJobs(tables, rule, limit), 0);
      const events = pruneEvents(tables, rules.events, limit);
      return jobs + events + pruneRequests(tables, rules.requestsBefore, limit) + pruneWorkers(tables, rules.workersBefore, limit);
    },

    async lease(name, holder, ttlMs, now) {
      const tables = open();
      const lease = tables.leases.get(name);
      if (lease && lease.holder !== holder && lease.until > now) return false;
      tables.leases.set(name, { holder, until: now + ttlMs });
      return true;
    },

    async release(name, holder) {
      const tables = open();
      if (tables.leases.get(name)?.holder === holder) tables.leases.delete(name);
    },
  };
}

function pruneJobs(tables: Tables, rule: PruneRules['jobs'][number], limit: number): number {
  if (!isIn(rule.state, Terminal)) return 0;
  const rows = [...tables.rows.values()]
    .filter(({ job }) => job.state === rule.state)
    .sort((a, b) => ended(a.job) - ended(b.job) || a.number - b.number);
  const surplus = rows.length - rule.keep;
  const gone = rows.filter(({ job }, index) => index < surplus || ended(job) < rule.before).slice(0, limit);
  for (const row of gone) tables.drop(row);
  return gone.length;
}

function ended(job: JobRecord): Millis {
  return job.finishedAt ?? 0;
}

/** A batch goes as a whole, when its last event may. */
function pruneEvents(tables: Tables, { before, keep }: PruneRules['events'], limit: number): number {
  const { batches, newest } = tables.log;
  let gone = 0;
  for (const { at, position, count } of batches) {
    if (gone === limit || (at >= before && position + count - 1 > newest - keep)) break;
    gone += 1;
  }
  batches.splice(0, gone);
  return gone;
}

function pruneRequests(tables: Tables, before: Millis, limit: number): number {
  const old = [...tables.requests].filter(([, { at }]) => at < before).slice(0, limit);
  for (const [request] of old) tables.requests.delete(request);
  return old.length;
}

function pruneWorkers(tables: Tables, before: Millis, limit: number): number {
  const old = [...tables.workers.values()].filter(({ seenAt }) => seenAt < before);
  old.sort((a, b) => a.seenAt - b.seenAt || (a.worker < b.worker ? -1 : 1));
  for (const { worker } of old.slice(0, limit)) tables.workers.delete(worker);
  return Math.min(old.length, limit);
}
