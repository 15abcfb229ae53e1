import type { Millis } from '@ojs-ts/core';
import { type JobId, type JobRecord, State, Terminal, type Transition } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import { text } from '../../cells.ts';
import type { Jobs, Moved } from '../../storage.ts';
import { claimJobs } from '../claim/claim.ts';
import { ClaimHints } from '../claim/opening.ts';
import { claimsOf } from '../claim/requests.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin, numbers, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { ackAtOnce } from '../end/ack.ts';
import { ClaimedNodes } from '../end/claimed-nodes.ts';
import { insert } from '../insert/insert.ts';
import { deleteRows } from '../registry/step-rows.ts';
import type { LeftEdges } from '../upkeep/left-edges.ts';
import { Changes } from './changes.ts';
import { errors } from './errors.ts';
import { jobColumns, readJob } from './job-row.ts';
import { list } from './list.ts';
import { type LockedJob, lockJobs, readJobs } from './locked-job.ts';
import { leave } from './moves.ts';
import { ackAll, NotActive, transitionAll } from './transitions.ts';

export function jobs(database: Database, edges: LeftEdges): Jobs {
  const hints = new ClaimHints(edges);
  const nodes = new ClaimedNodes();
  return {
    insert: (groups, now, options) => insert(database, groups, now, options),
    async claim(claims, now, maxBytes) {
      const claimed = await claimJobs(database, claims, now, hints, maxBytes);
      nodes.add(claimed);
      return claimed;
    },
    transition: (transitions, now) => transition(database, transitions, now, nodes),
    async get(ids) {
      const found = await readJobs(database, ids);
      return ids.map((id) => found.get(id)?.job ?? null);
    },
    claimsOf: (fetches) => claimsOf(database, fetches),
    list: (query) => list(database, query),

    runs: (crons, limit) => runs(database, crons, limit),
    errors: (query) => errors(database, query),
    remove: (ids, guard, now) => database.transact(now, (tx) => remove(tx, ids, guard, now)),
  };
}

async function transition(
  database: Database,
  transitions: readonly Transition[],
  now: Millis,
  nodes: ClaimedNodes,
): Promise<readonly Moved[]> {
  const answer = await ackAtOnce(database, transitions, now, nodes);
  if (answer === 'owned') {
    try {
      return await database.transact(now, (tx) => ackAll(tx, transitions, now));
    } catch (error) {
      if (!(error instanceof NotActive)) throw error;
    }
  }
  const acked = answer === 'owned' ? null : answer;
  const others = acked === null ? transitions : transitions.filter((one) => !acked.has(one));
  const moved = (
    others.length === 0 ? [] : await database.transact(now, (tx) => transitionAll(tx, others, now))
  ).values();
  return transitions.map((one) => {
    const answer = acked?.get(one) ?? moved.next().value;
    if (answer === undefined) throw new Error(`The transition of job ${one.id} was not answered.`);
    return answer;
  });
}

/** The oldest unfinished runs of a cron in one of the tables. */
const runsIn = (table: string) =>
  `(SELECT id, number FROM ojs.${table} WHERE cron = wanted.name ORDER BY cron, number LIMIT $2)`;
const selectRuns = `SELECT ${jobColumns}, ran FROM (
    SELECT wanted.name AS ran, oldest.id AS found FROM unnest($1::text[]) AS wanted (name), LATERAL (
      SELECT id FROM (${['due', 'ready', 'active'].map(runsIn).join(' UNION ALL ')}) AS each
        ORDER BY number LIMIT $2
    ) AS oldest
  ) AS run JOIN ojs.whole ON ${indexJoin('id', 'found')} ORDER BY number`;

async function runs(database: Database, crons: readonly string[], limit: number): ReturnType<Jobs['runs']> {
  const found = new Map<string, JobRecord[]>(crons.map((name) => [name, []]));
  for (const cells of await database.query(selectRuns, [[...found.keys()], limit]))
    found.get(text(cells.at(-1)))?.push(readJob(cells).job);
  return crons.map((name) => found.get(name) ?? []);
}

const removeJobs = `WITH gone AS (DELETE FROM ojs.jobs WHERE id = ANY ($1::uuid[]) RETURNING id, policy)
  ${deleteRows('gone')}`;

async function remove(
  tx: Transaction,
  ids: readonly JobId[],
  { from, deadLetter }: Parameters<Jobs['remove']>[1],
  now: Millis,
): Promise<readonly boolean[]> {
  const rows = await lockJobs(tx, ids);
  const changes = new Changes(tx, now);
  const gone: LockedJob[] = [];
  const answers = ids.map((id) => {
    const held = rows.get(id);
    if (!held || !isIn(held.job.state, from) || (deadLetter && !held.job.deadLetter)) return false;
    const { job } = held;
    rows.delete(id);
    gone.push(held);
    tx.count(job, job.state, null);
    if (job.deadLetter) tx.counts.addDeadLetter(job.queue, -1);
    if (job.state === State.active) changes.freed(job.queue);
    if (!isIn(job.state, Terminal)) changes.ended(held);
    return true;
  });
  if (gone.length === 0) return answers;
  leave(tx, gone);
  tx.write('DELETE FROM ojs.texts WHERE number = ANY ($1::bigint[])', [numbers(gone.map(({ number }) => number))]);
  tx.write(removeJobs, [uuids(gone.map(({ job }) => job.id))]);
  changes.write();
  await changes.close();
  return answers;
}
