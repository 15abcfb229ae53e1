import type { Millis } from '@ojs-ts/core';
import { isExpired, overdueAt } from '@ojs-ts/core/lifecycle';
import type { Upkeep } from '../store/upkeep.ts';
import { promote } from './claim.ts';
import { prune } from './prune.ts';
import type { Row, Tables } from './tables.ts';

export function upkeep(open: () => Tables): Upkeep {
  return {
    promote(now, limit) {
      const tables = open();
      const counts = tables.change(now, (change) => promote(tables, limit, change));
      return [...counts].map(([queue, count]) => ({ queue, count }));
    },

    overdue(now, limit) {
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

    nextDue() {
      const { active, expiring, due } = open();
      let first = due.peek()?.at ?? Number.POSITIVE_INFINITY;
      for (const { job } of active) first = Math.min(first, overdueAt(job) ?? first);
      for (const { job } of expiring) first = Math.min(first, job.expiresAt ?? first);
      return first === Number.POSITIVE_INFINITY ? null : first;
    },

    held(after, limit) {
      const tables = open();
      const from = after === null ? 0 : Number(after);
      const rows = [...tables.active]
        .filter((row) => row.number > from && row.job.worker !== null)
        .sort((a, b) => a.number - b.number);
      const page = rows.slice(0, limit);
      const items = page.flatMap(({ job: { id, claim, worker, startedAt } }) =>
        worker === null || startedAt === null ? [] : [{ id, claim, worker, startedAt }],
      );
      return { items, next: rows.length > page.length ? String(page.at(-1)?.number ?? from) : null };
    },

    prune(rules, limit) {
      return prune(open(), rules, limit);
    },

    lease(name, holder, ttlMs, now) {
      const tables = open();
      const lease = tables.leases.get(name);
      if (lease && lease.holder !== holder && lease.until > now && lease.until <= now + 2 * ttlMs) return false;
      tables.leases.set(name, { holder, until: now + ttlMs });
      return true;
    },

    release(name, holder) {
      const tables = open();
      if (tables.leases.get(name)?.holder === holder) tables.leases.delete(name);
    },
  };
}
