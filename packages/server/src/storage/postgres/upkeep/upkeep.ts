import { overdueAt, State } from '@ojs-ts/core';
import { integer, integerOrNull, text } from '../../cells.ts';
import type { Upkeep } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { Changes } from '../jobs/changes.ts';
import { decisionColumns, readJob } from '../jobs/job-row.ts';
import { promote } from './promote.ts';
import { prune } from './prune.ts';
import { rollUp } from './rollup.ts';
import type { Vacuum } from './vacuum.ts';

const overdueActive = `SELECT ${decisionColumns} FROM ojs.jobs WHERE state = ${State.active} AND due_at IS NOT NULL
  AND due_at <= $1 ORDER BY due_at, number LIMIT $2`;
const expiring = `SELECT ${decisionColumns} FROM ojs.jobs WHERE expires_at IS NOT NULL AND expires_at <= $1
  AND finished_at + 0 IS NULL AND lease_until IS NULL
  ORDER BY expires_at, number LIMIT $2`;
const firstDue = (state: number) =>
  `(SELECT due_at FROM ojs.jobs WHERE state = ${state} AND due_at IS NOT NULL ORDER BY due_at, number LIMIT 1)`;
const nextDue = `SELECT least(${[State.scheduled, State.retryable, State.active].map(firstDue).join(', ')},
  (SELECT expires_at FROM ojs.jobs WHERE expires_at IS NOT NULL AND finished_at + 0 IS NULL AND lease_until IS NULL
    ORDER BY expires_at, number LIMIT 1))`;
const held = `SELECT number, id, claim, worker, started_at FROM ojs.jobs
  WHERE state = ${State.active} AND due_at IS NOT NULL AND number > $1 AND worker IS NOT NULL ORDER BY number LIMIT $2`;
const lease = `INSERT INTO ojs.leases (name, holder, until) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
  WHERE leases.holder = excluded.holder OR leases.until <= $4 OR leases.until > $5 RETURNING 1`;

export function upkeep(database: Database, vacuum: Vacuum): Upkeep {
  return {
    async promote(now, limit) {
      const counts = await database.transact(now, async (tx) => {
        const changes = new Changes(tx, now);
        const counts = await promote(tx, changes, now, limit);
        await changes.close();
        return counts;
      });
      await rollUp(database, now);
      return [...counts].map(([queue, count]) => ({ queue, count }));
    },

    async overdue(now, limit) {
      const [active, waiting] = await Promise.all([
        database.read(overdueActive, [now, limit]),
        database.read(expiring, [now, limit]),
      ]);
      const late = [
        ...active.map(readJob).map(({ number, job }) => ({ at: overdueAt(job) ?? now, number, job })),
        ...waiting.map(readJob).map(({ number, job }) => ({ at: job.expiresAt ?? now, number, job })),
      ];
      late.sort((a, b) => a.at - b.at || a.number - b.number);
      return late.slice(0, limit).map(({ job }) => job);
    },

    async nextDue() {
      return integerOrNull((await database.read(nextDue, []))[0]?.[0]);
    },

    async held(after, limit) {
      const rows = await database.read(held, [after === null ? 0 : Number(after), limit + 1]);
      const page = rows.slice(0, limit);
      const items = page.map((cells) => ({
        id: text(cells[1]),
        claim: integer(cells[2]),
        worker: text(cells[3]),
        startedAt: integer(cells[4]),
      }));
      const last = page.at(-1);
      return { items, next: last && rows.length > limit ? String(integer(last[0])) : null };
    },

    async prune(rules, limit) {
      const gone = await prune(database, rules, limit);
      void vacuum.look();
      return gone;
    },

    lease: async (name, holder, ttlMs, now) =>
      (await database.read(lease, [name, holder, now + ttlMs, now, now + 2 * ttlMs])).length === 1,

    async release(name, holder) {
      await database.read('DELETE FROM ojs.leases WHERE name = $1 AND holder = $2', [name, holder]);
    },
  };
}
