import { State } from '@ojs-ts/core/job';
import { overdueAt } from '@ojs-ts/core/lifecycle';
import { integer, integerOrNull, text } from '../../cells.ts';
import type { Upkeep } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin } from '../connection/sql.ts';
import { Changes } from '../jobs/changes.ts';
import { decisionColumns, readJob } from '../jobs/job-row.ts';
import type { LeftEdges } from './left-edges.ts';
import { promote } from './promote.ts';
import { promoteAtOnce } from './promote-page.ts';
import { prune } from './prune.ts';
import { rollUp } from './rollup.ts';
import type { Vacuum } from './vacuum.ts';

const overdueActive = `SELECT ${decisionColumns} FROM (
    SELECT id AS found FROM ojs.active WHERE due_at <= $1 AND due_at >= $3 ORDER BY due_at, number LIMIT $2) AS late
  JOIN ojs.whole ON ${indexJoin('id', 'found')}`;
const expiring = (table: string, edge: string) => `(SELECT id, expires_at, number FROM ojs.${table}
    WHERE expires_at IS NOT NULL AND expires_at <= $1 AND expires_at >= ${edge} ORDER BY expires_at, number LIMIT $2)`;
const overdueWaiting = `SELECT ${decisionColumns} FROM (
    SELECT id AS found FROM (${expiring('due', '$3')} UNION ALL ${expiring('ready', '$4')}) AS each
      ORDER BY expires_at, number LIMIT $2) AS late
  JOIN ojs.whole ON ${indexJoin('id', 'found')}`;
const first = (table: string, column: string, edge: string, condition = 'true') =>
  `(SELECT ${column} FROM ojs.${table} WHERE ${condition} AND ${column} >= ${edge} AND ${column} <= $6
    ORDER BY ${column}, number LIMIT 1)`;
const firsts = `SELECT ${[
  first('due', 'run_at', '$1', `state = ${State.scheduled}`),
  first('due', 'run_at', '$2', `state = ${State.retryable}`),
  first('active', 'due_at', '$3'),
  first('due', 'expires_at', '$4', 'expires_at IS NOT NULL'),
  first('ready', 'expires_at', '$5', 'expires_at IS NOT NULL'),
].join(', ')}`;
const held = `SELECT id, claim, worker, started_at FROM ojs.active
  WHERE id > $1::uuid AND worker IS NOT NULL ORDER BY id LIMIT $2`;
/** Before every id. */
const start = '00000000-0000-0000-0000-000000000000';
const lease = `INSERT INTO ojs.leases (name, holder, until) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
  WHERE leases.holder = excluded.holder OR leases.until <= $4 OR leases.until > $5 RETURNING 1`;

export function upkeep(database: Database, vacuum: Vacuum, edges: LeftEdges): Upkeep {
  let rolledUpAt = Number.NEGATIVE_INFINITY;
  return {
    async promote(now, limit) {
      const counts = await database.transact(now, async (tx) => {
        const promoted = await promoteAtOnce(tx, now, limit, edges.at(now));
        if (promoted !== null) return promoted;
        const changes = new Changes(tx, now);
        const counts = await promote(tx, changes, now, limit, edges.at(now));
        await changes.close();
        return counts;
      });
      // Its look walks the dead rows of earlier sums.
      if (performance.now() - rolledUpAt > database.pages.upkeepEveryMs) {
        rolledUpAt = performance.now();
        await rollUp(database, now);
      }
      return [...counts].map(([queue, count]) => ({ queue, count }));
    },

    async overdue(now, limit) {
      const [, , leased, dueExpiry, readyExpiry] = edges.at(now);
      const [active, waiting] = await Promise.all([
        database.query(overdueActive, [now, limit, leased]),
        database.query(overdueWaiting, [now, limit, dueExpiry, readyExpiry]),
      ]);
      const late = [
        ...active.map(readJob).map(({ number, job }) => ({ at: overdueAt(job) ?? now, number, job })),
        ...waiting.map(readJob).map(({ number, job }) => ({ at: job.expiresAt ?? now, number, job })),
      ];
      late.sort((a, b) => a.at - b.at || a.number - b.number);
      return late.slice(0, limit).map(({ job }) => job);
    },

    async nextDue(until = Number.MAX_SAFE_INTEGER) {
      const times = await edges.look(async (from) =>
        ((await database.query(firsts, [...from, until]))[0] ?? []).map(integerOrNull),
      );
      const found = times.filter((at) => at !== null);
      return found.length === 0 ? null : Math.min(...found);
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
