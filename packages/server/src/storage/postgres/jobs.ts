import { setTimeout } from 'node:timers/promises';
import { type JobId, type Millis, State, Terminal } from '@ojs-ts/core';
import { isIn } from '../apply.ts';
import type { Claim, Claimed, Jobs } from '../storage.ts';
import { Changes } from './changes.ts';
import { type Answers, claim } from './claim.ts';
import type { Database } from './connection.ts';
import { Fronts } from './front.ts';
import { idsText, lockJobs, readJobs } from './held.ts';
import { insert } from './insert.ts';
import { list } from './list.ts';
import { moveAll } from './move.ts';
import { tally } from './tally.ts';
import type { Transaction } from './transaction.ts';

/** As late as a due job may be handed out (digest §2.1), in milliseconds. */
const missedMs = 200;

export function jobs(database: Database): Jobs {
  const hints = { limitedBefore: new Set<string>(), fronts: new Fronts() };
  return {
    insert: (groups, now, options) => insert(database, groups, now, options),
    claim: (claims, now) => claimAgain(claims, (some) => database.transact(now, (tx) => claim(tx, some, now, hints))),
    transition: (transitions, now) => database.transact(now, (tx) => moveAll(tx, transitions, now)),
    async get(ids) {
      const found = await readJobs((text, values) => database.read(text, values), ids);
      return ids.map((id) => found.get(id)?.job ?? null);
    },
    list: (query) => list(database, query),
    remove: (ids, guard, now) => database.transact(now, (tx) => remove(tx, ids, guard, now)),
  };
}

/**
 * Due jobs are claimed at once (digest §2.1). While another transaction, such as a pass of the upkeep, moves them on they are neither due nor available for this
 * one, so what got nothing then asks again until they are one or the other.
 */
async function claimAgain(claims: readonly Claim[], ask: (claims: readonly Claim[]) => Promise<Answers>): Promise<readonly Claimed[]> {
  const until = performance.now() + missedMs;
  const { claimed, missed } = await ask(claims);
  const answers = [...claimed];
  let again = missed;
  for (let pause = 2; again && performance.now() < until; pause *= 2) {
    const empty = [...answers.keys()].filter((index) => answers[index]?.jobs.length === 0);
    if (empty.length === 0) break;
    await setTimeout(pause);
    const next = await ask(empty.flatMap((index) => claims[index] ?? []));
    empty.forEach((index, at) => {
      answers[index] = next.claimed[at] ?? { jobs: [], again: null };
    });
    again = next.missed;
  }
  return answers;
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
