import type { Millis } from '@ojs-ts/core';
import { State, Terminal } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import type { Jobs } from '../storage.ts';
import { claim, claimsOf } from './claim/claim.ts';
import type { Connection } from './disk/connection.ts';
import type { GroupCommit } from './disk/group-commit.ts';
import { errors } from './errors.ts';
import { find, insertGroup } from './insert.ts';
import { list } from './list.ts';
import { move } from './move.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

export function jobs(sql: Connection, store: GroupCommit): Jobs {
  return {
    insert: (groups, now, options) =>
      store.write((tx) => {
        const answers = groups.map((group) => insertGroup(tx, group, now, options));
        tx.end(now);
        return answers;
      }),

    claim: (claims, now, maxBytes) => store.write((tx) => claim(tx, claims, now, maxBytes)),

    transition: (transitions, now) =>
      store.write((tx) => {
        const answers = transitions.map((transition) => move(tx, transition, now));
        tx.end(now);
        return answers;
      }),

    get: (ids) => store.read(() => ids.map((id) => find(sql, id))),

    claimsOf: (fetches) => store.read(() => fetches.map((fetch) => claimsOf(sql, fetch) ?? [])),

    list: (query) => store.read(() => list(sql, query)),

    runs: (crons, limit) =>
      store.read(() => crons.map((name) => sql.all(statements.runs, name, limit).map(({ job }) => job))),

    errors: (query) => store.read(() => errors(sql, query)),

    remove: (ids, guard, now) =>
      store.write((tx) => {
        const answers = ids.map((id) => remove(tx, id, guard, now));
        tx.end(now);
        return answers;
      }),
  };
}

function remove(
  tx: Transaction,
  id: string,
  { from, deadLetter }: Parameters<Jobs['remove']>[1],
  now: Millis,
): boolean {
  const job = tx.sql.get(statements.forRemoval, id);
  if (!job || !isIn(job.state, from) || (deadLetter && !job.deadLetter)) return false;
  const { queue, state } = job;
  const { limits, node } = job.ties;
  if (state === State.available) tx.leaveReadyQueue({ queue, limits });
  tx.sql.change(statements.remove, job.number);
  tx.claimedJobs.forget(id);
  tx.left({ queue, limits }, state, now);
  tx.removed({ limits, steps: job.steps });
  if (job.deadLetter) tx.counters.addDeadLetter(queue, -1, now);
  if (node !== null && !isIn(state, Terminal)) tx.graph.jobEnded(node, { ...job, id }, () => job.result, now);
  return true;
}
