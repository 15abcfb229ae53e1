import { isIn, type JobId, type Millis, State, Terminal } from '@ojs-ts/core';
import type { Claimed, Jobs } from '../storage.ts';
import { Changes } from './changes.ts';
import { claim, gotNothing } from './claim.ts';
import type { Database } from './connection.ts';
import { Fronts } from './front.ts';
import { idsText, lockJobs, readJobs } from './held.ts';
import { insert } from './insert.ts';
import { list } from './list.ts';
import { moveAll } from './move.ts';
import { untilMoved } from './promote.ts';
import { tally } from './tally.ts';
import type { Transaction } from './transaction.ts';

const nothing: Claimed = { jobs: [], again: null };

export function jobs(database: Database): Jobs {
  const hints = { limitedBefore: new Set<string>(), fronts: new Fronts() };
  return {
    insert: (groups, now, options) => insert(database, groups, now, options),
    async claim(claims, now) {
      const { answers, passedOver } = await database.transact(now, (tx) => claim(tx, claims, now, hints));
      if (!passedOver) return answers;
      const empty = claims.filter((claim, at) => gotNothing(answers[at] ?? nothing, claim));
      await untilMoved(
        database,
        now,
        empty.reduce((sum, { limit }) => sum + limit, 0),
      );
      const again = await database.transact(now, (tx) => claim(tx, empty, now, hints));
      const found = new Map(empty.map((claim, at) => [claim, again.answers[at] ?? nothing]));
      return claims.map((claim, at) => found.get(claim) ?? answers[at] ?? nothing);
    },
    transition: (transitions, now) => database.transact(now, (tx) => moveAll(tx, transitions, now)),
    async get(ids) {
      const found = await readJobs((text, values) => database.read(text, values), ids);
      return ids.map((id) => found.get(id)?.job ?? null);
    },
    list: (query) => list(database, query),
    remove: (ids, guard, now) => database.transact(now, (tx) => remove(tx, ids, guard, now)),
  };
}

async function remove(
  tx: Transaction,
  ids: readonly JobId[],
  { from, deadLetter }: Parameters<Jobs['remove']>[1],
  now: Millis,
): Promise<readonly boolean[]> {
  const rows = await lockJobs(tx, ids);
  const changes = new Changes(tx, now);
  const gone: JobId[] = [];
  const answers = ids.map((id) => {
    const held = rows.get(id);
    if (!held || !isIn(held.job.state, from) || (deadLetter && !held.job.deadLetter)) return false;
    const { job } = held;
    rows.delete(id);
    gone.push(id);
    tally(tx, job, job.state, null);
    if (job.deadLetter) tx.counts.addDeadLetter(job.queue, -1);
    if (job.state === State.active) changes.freed(job.queue);
    if (!isIn(job.state, Terminal)) changes.ended(held);
    return true;
  });
  if (gone.length === 0) return answers;
  tx.write('DELETE FROM ojs.jobs WHERE id = ANY ($1::uuid[])', [idsText(gone)]);
  changes.write();
  await changes.close();
  return answers;
}
