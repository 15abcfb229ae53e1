import { type Json, type Millis, State, type StateName, stateName, Terminal } from '@ojs-ts/core';
import { isIn, overdueAt } from '../apply.ts';
import type { PruneRules, Upkeep } from '../storage.ts';
import { promote } from './claim.ts';
import type { Connection } from './connection.ts';
import { drop } from './jobs.ts';
import { integer, readJob, text } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';
import type { Writer } from './writer.ts';

export function upkeep(sql: Connection, writer: Writer): Upkeep {
  return {
    promote: (now, limit) =>
      writer.write((tx) => {
        const entries: Json[] = [];
        const counts = promote(tx, now, limit, entries);
        tx.log(entries, now);
        return [...counts].map(([queue, count]) => ({ queue, count }));
      }),

    overdue: (now, limit) =>
      writer.read(() => {
        const active = sql.all(statements.due, State.active, now, limit).map(readJob);
        const waiting = sql.all(statements.expiring, now, limit).map(readJob);
        const late = [
          ...active.map(({ number, job }) => ({ at: overdueAt(job) ?? now, number, job })),
          ...waiting.map(({ number, job }) => ({ at: job.expiresAt ?? now, number, job })),
        ];
        late.sort((a, b) => a.at - b.at || a.number - b.number);
        return late.slice(0, limit).map(({ job }) => job);
      }),

    held: (after, limit) =>
      writer.read(() => {
        const rows = sql.all(statements.held, after === null ? 0 : Number(after), limit + 1);
        const page = rows.slice(0, limit);
        const items = page.map((cells) => ({
          id: text(cells[1]),
          claim: integer(cells[2]),
          worker: text(cells[3]),
          startedAt: integer(cells[4]),
        }));
        const last = page.at(-1);
        return { items, next: last && rows.length > limit ? String(integer(last[0])) : null };
      }),

    prune: (rules, limit) =>
      writer.write((tx) => {
        const jobs = rules.jobs.reduce((gone, rule) => gone + pruneJobs(tx, rule, limit), 0);
        const events = pruneEvents(tx, rules.events, limit);
        const requests = pruneRequests(tx, rules.requestsBefore, limit);
        const workers = sql.run(
          'DELETE FROM ojs_workers WHERE worker IN (SELECT worker FROM ojs_workers WHERE seen_at < ? ORDER BY seen_at, worker LIMIT ? + 0)',
          rules.workersBefore,
          limit,
        );
        return jobs + events + requests + workers;
      }),

    lease: (name, holder, ttlMs, now) =>
      writer.write(() => {
        const changes = sql.run(
          `INSERT INTO ojs_leases (name, holder, until) VALUES (?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE holder = excluded.holder OR until <= ?`,
          name,
          holder,
          now + ttlMs,
          now,
        );
        return changes === 1;
      }),

    release: (name, holder) =>
      writer.write(() => {
        sql.run('DELETE FROM ojs_leases WHERE name = ? AND holder = ?', name, holder);
      }),
  };
}

function pruneJobs(tx: Transaction, { state, before, keep }: PruneRules['jobs'][number], limit: number): number {
  if (!isIn(state, Terminal)) return 0;
  // Counts that this transaction has gathered so far belong to the sum.
  tx.flush();
  const surplus = total(tx, stateName(state)) - keep;
  let gone = 0;
  for (const [number, at, queue, listed] of tx.sql.all(statements.oldest, state, limit)) {
    if (gone >= surplus && integer(at) >= before) break;
    drop(tx, integer(number), state, text(queue), listed !== 0);
    gone += 1;
  }
  return gone;
}

function total(tx: Transaction, column: StateName): number {
  return integer(tx.sql.get(`SELECT coalesce(sum(${column}), 0) FROM ojs_queues`)?.[0]);
}

/** A batch goes as a whole, when its last event may. */
function pruneEvents(tx: Transaction, { before, keep }: PruneRules['events'], limit: number): number {
  const newest = integer(tx.sql.get('SELECT position FROM ojs_store')?.[0]);
  let gone = 0;
  let upTo = 0;
  for (const [position, at, count] of tx.sql.all('SELECT position, at, count FROM ojs_events ORDER BY position LIMIT ? + 0', limit)) {
    const last = integer(position) + integer(count) - 1;
    if (integer(at) >= before && last > newest - keep) break;
    gone += 1;
    upTo = last;
  }
  if (gone > 0) tx.sql.run('DELETE FROM ojs_events WHERE position <= ?', upTo);
  return gone;
}

function pruneRequests(tx: Transaction, before: Millis, limit: number): number {
  let gone = 0;
  for (const [number, at] of tx.sql.all('SELECT number, at FROM ojs_requests ORDER BY number LIMIT ? + 0', limit)) {
    if (integer(at) >= before) break;
    tx.sql.run('DELETE FROM ojs_requests WHERE number = ?', integer(number));
    gone += 1;
  }
  return gone;
}
