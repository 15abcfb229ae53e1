import type { Millis } from '@ojs-ts/core';
import type { EventSubject } from '@ojs-ts/core/events';
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
import { integer, integerOrNull, readJob, readTies, state, text, textOrNull } from './row.ts';
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
      store.read(() => crons.map((name) => sql.all(statements.runs, name, limit).map((cells) => readJob(cells).job))),

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
  const cells = tx.sql.get(statements.forRemoval, id);
  if (!cells) return false;
  const listed = cells[9] !== 0;
  const was = state(cells[1]);
  if (!isIn(was, from) || (deadLetter && !listed)) return false;
  const queue = text(cells[2]);
  const { limits, node } = readTies(cells[8]);
  if (was === State.available) tx.leaveReadyQueue({ queue, limits });
  tx.sql.change(statements.remove, integer(cells[0]));
  tx.claimedJobs.forget(id);
  tx.left({ queue, limits }, was, now);
  tx.removed({ limits });
  if (listed) tx.counters.addDeadLetter(queue, -1, now);
  if (node !== null && !isIn(was, Terminal)) {
    const job: EventSubject = {
      id,
      queue,
      type: text(cells[3]),
      state: was,
      attempt: integer(cells[4]),
      worker: textOrNull(cells[5]),
      startedAt: integerOrNull(cells[6]),
      trace: textOrNull(cells[7]),
    };
    tx.graph.jobEnded(node, job, () => textOrNull(cells[10]), now);
  }
  return true;
}
