import { State } from '@ojs-ts/core/job';
import { overdueAt } from '@ojs-ts/core/lifecycle';
import { integer } from '../../cells.ts';
import type { Upkeep } from '../../storage.ts';
import { promote } from '../claim/claim.ts';
import type { Connection } from '../disk/connection.ts';
import type { GroupCommit } from '../disk/group-commit.ts';
import { statements } from '../statements.ts';
import { prune, pruneWorkflows } from './prune.ts';

export function upkeep(sql: Connection, store: GroupCommit): Upkeep {
  return {
    promote: (now, limit) =>
      store.write((tx) => {
        const counts = promote(tx, now, limit);
        tx.end(now);
        return [...counts].map(([queue, count]) => ({ queue, count }));
      }),

    overdue: (now, limit) =>
      store.read(() => {
        const active = sql.all(statements.due, State.active, now, limit);
        const waiting = sql.all(statements.expiring, now, limit);
        const late = [
          ...active.map(({ number, job }) => ({ at: overdueAt(job) ?? now, number, job })),
          ...waiting.map(({ number, job }) => ({ at: job.expiresAt ?? now, number, job })),
        ];
        late.sort((a, b) => a.at - b.at || a.number - b.number);
        return late.slice(0, limit).map(({ job }) => job);
      }),

    nextDue: () =>
      store.read(() => {
        const states = [State.scheduled, State.retryable, State.active];
        const first = [
          ...states.map((state) => sql.value(statements.nextDue, state)),
          sql.value(statements.nextExpiring),
        ].flatMap((at) => (at === null ? [] : integer(at)));
        return first.length === 0 ? null : Math.min(...first);
      }),

    held: (after, limit) =>
      store.read(() => {
        const rows = sql.all(statements.held, after === null ? 0 : Number(after), limit + 1);
        const page = rows.slice(0, limit);
        const last = page.at(-1);
        const next = last && rows.length > limit ? String(last.number) : null;
        return { items: page.map(({ number, ...held }) => held), next };
      }),

    prune: async (rules, limit) => {
      const { workflows } = rules;
      const pruned = await store.write((tx) => prune(tx, rules, limit));
      if (workflows === undefined) return pruned;
      let gone = 0;
      for (let more = true; more; ) {
        const rest = limit - gone;
        const next = await store.write((tx) => pruneWorkflows(tx, workflows, rest));
        gone += next.gone;
        more = next.more;
      }
      return { jobs: pruned.jobs, others: { ...pruned.others, workflows: gone } };
    },

    lease: (name, holder, ttlMs, now) =>
      store.write(() => {
        const changes = sql.run(
          `INSERT INTO ojs_leases (name, holder, until) VALUES (?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE holder = excluded.holder OR until <= ? OR until > ?`,
          name,
          holder,
          now + ttlMs,
          now,
          now + 2 * ttlMs,
        );
        return changes === 1;
      }),

    release: (name, holder) =>
      store.write(() => {
        sql.run('DELETE FROM ojs_leases WHERE name = ? AND holder = ?', name, holder);
      }),
  };
}
