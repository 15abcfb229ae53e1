import { State } from '@ojs-ts/core/job';
import { overdueAt } from '@ojs-ts/core/lifecycle';
import { integer, integerOrNull, text } from '../../cells.ts';
import type { Upkeep } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin } from '../connection/sql.ts';
import { Changes } from '../jobs/changes.ts';
import { decisionColumns, readJob } from '../jobs/job-row.ts';
import { promote } from './promote.ts';
import { promoteAtOnce } from './promote-page.ts';
import { prune } from './prune.ts';
import { rollUp } from './rollup.ts';
import type { Vacuum } from './vacuum.ts';

const overdueActive = `SELECT ${decisionColumns} FROM (
    SELECT id AS found FROM ojs.active WHERE due_at <= $1 ORDER BY due_at, number LIMIT $2) AS late
  JOIN ojs.whole ON ${indexJoin('id', 'found')}`;
const expiring = (table: string) => `(SELECT id, expires_at, number FROM ojs.${table}
    WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at, number LIMIT $2)`;
const overdueWaiting = `SELECT ${decisionColumns} FROM (
    SELECT id AS found FROM (${expiring('due')} UNION ALL ${expiring('ready')}) AS each
      ORDER BY expires_at, number LIMIT $2) AS late
  JOIN ojs.whole ON ${indexJoin('id', 'found')}`;
const first = (table: string, column: string, condition: string) =>
  `(SELECT ${column} FROM ojs.${table} WHERE ${condition} ORDER BY ${column}, number LIMIT 1)`;
const nextDue = `SELECT least(${[
  first('due', 'run_at', `state = ${State.scheduled}`),
  first('due', 'run_at', `state = ${State.retryable}`),
  first('active', 'due_at', 'true'),
  first('due', 'expires_at', 'expires_at IS NOT NULL'),
  first('ready', 'expires_at', 'expires_at IS NOT NULL'),
].join(', ')})`;
const held = `SELECT id, claim, worker, started_at FROM ojs.active
  WHERE id > $1::uuid AND worker IS NOT NULL ORDER BY id LIMIT $2`;
/** Before every id. */
const start = '00000000-0000-0000-0000-000000000000';
const lease = `INSERT INTO ojs.leases (name, holder, until) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
  WHERE leases.holder = excluded.holder OR leases.until <= $4 OR leases.until > $5 RETURNING 1`;

export function upkeep(database: Database, vacuum: Vacuum): Upkeep {
  return {
    async promote(now, limit) {
      const counts = await database.transact(now, async (tx) => {
        const promoted = await promoteAtOnce(tx, now, limit);
        if (promoted !== null) return promoted;
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
        database.query(overdueActive, [now, limit]),
        database.query(overdueWaiting, [now, limit]),
      ]);
      const late = [
        ...active.map(readJob).map(({ number, job }) => ({ at: overdueAt(job) ?? now, number, job })),
        ...waiting.map(readJob).map(({ number, job }) => ({ at: job.expiresAt ?? now, number, job })),
      ];
      late.sort((a, b) => a.at - b.at || a.number - b.number);
      return late.slice(0, limit).map(({ job }) => job);
    },

    async nextDue() {
      return integerOrNull((await database.query(nextDue, []))[0]?.[0]);
    },

    async held(after, limit) {
      const rows = await database.query(held, [after ?? start, limit + 1]);
      const page = rows.slice(0, limit);
      const items = page.map((cells) => ({
        id: text(cells[0]),
        claim: integer(cells[1]),
        worker: text(cells[2]),
        startedAt: integer(cells[3]),
      }));
      return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },

    async prune(rules, limit) {
      const gone = await prune(database, rules, limit);
      void vacuum.look();
      return gone;
    },

    lease: async (name, holder, ttlMs, now) =>
      (await database.query(lease, [name, holder, now + ttlMs, now, now + 2 * ttlMs])).length === 1,

    async release(name, holder) {
      await database.query('DELETE FROM ojs.leases WHERE name = $1 AND holder = $2', [name, holder]);
    },
  };
}
