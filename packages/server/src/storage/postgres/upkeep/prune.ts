import type { Millis } from '@ojs-ts/core';
import { queueLimitKey, State, stateName, Terminal } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import { flag, integer, readTexts, text } from '../../cells.ts';
import {
  type JobRule,
  type KeepRule,
  noJobs,
  noOthers,
  type Pruned,
  type PrunedJobs,
  type PruneRules,
} from '../../prune.ts';
import { readWorkflowState } from '../../rows.ts';
import type { Database } from '../connection/database.ts';
import { byTime, indexJoin, texts, uuids } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { numberEvents } from '../events/events.ts';
import { LimitGroups } from '../limits/limit-groups.ts';
import { deleteRows } from '../registry/step-rows.ts';
import { nodesPerWorkflow } from '../workflows/nodes.ts';
import { rollUp } from './rollup.ts';

/** Only one transaction at a time prunes, because two would each remove the surplus. */
const alone = `SELECT pg_try_advisory_xact_lock(hashtext('ojs.'), 7352003)`;
const oldest = (
  condition: string,
  limit: string,
) => `SELECT job.id, finished_at, job.queue, job.limits, job.priority FROM (
    SELECT id, number, finished_at FROM ojs.ended WHERE ${condition} ORDER BY finished_at, number LIMIT ${limit}) AS old
  JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'old.id')}
  ORDER BY finished_at, old.number FOR UPDATE OF job SKIP LOCKED`;
const oldestAlive = oldest(`${byTime} AND state = $1 AND NOT dead_letter`, '$2');
const oldestDead = oldest('dead_letter', '$1');
/** A job that was restarted before it was locked is not there any more, and stays. */
const removeEnded = `WITH gone AS (
    DELETE FROM ojs.ended WHERE number = ANY (ARRAY (SELECT number FROM ojs.jobs WHERE id = ANY ($1::uuid[])))
      RETURNING id, number, texts),
  noted AS (DELETE FROM ojs.texts WHERE number = ANY (ARRAY (SELECT number FROM gone WHERE texts))),
  removed AS (DELETE FROM ojs.jobs WHERE id = ANY (ARRAY (SELECT id FROM gone)) RETURNING id, policy),
  steps AS (${deleteRows('removed')})
  SELECT id FROM gone`;
const forgetRequests = `DELETE FROM ojs.requests WHERE request = ANY (ARRAY (SELECT request FROM ojs.requests
  WHERE at < $1 ORDER BY at, number LIMIT $2)) RETURNING 1`;
const forgetWorkers = `DELETE FROM ojs.workers WHERE worker = ANY (ARRAY (SELECT worker FROM ojs.workers
  WHERE seen_at < $1 ORDER BY seen_at, worker LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`;
const forgetMinutes = `WITH old AS MATERIALIZED (SELECT DISTINCT minute, queue, type FROM ojs.minutes WHERE minute < $1
  ORDER BY minute, queue, type LIMIT $2),
  gone AS (DELETE FROM ojs.minutes USING old WHERE ${indexJoin('minutes.minute', 'old.minute')}
  AND ${indexJoin('minutes.queue', 'old.queue')} AND ${indexJoin('minutes.type', 'old.type')})
  SELECT count(*) FROM old`;
const forgetLimits = `DELETE FROM ojs.limits WHERE key = ANY (ARRAY (
    SELECT key FROM ojs.limits WHERE jobs = 0 AND override IS NULL AND used_at < $1
    AND NOT starts_with(key, '${queueLimitKey('')}')
      AND NOT EXISTS (SELECT FROM ojs.limit_changes AS change WHERE change.key = limits.key OFFSET 0)
    ORDER BY used_at, key LIMIT $2)) RETURNING key`;

/** Nodes after which a transaction removes no more workflows; the last workflow may exceed it. */
const nodesAtOnce = 5000;
/** The advisory lock of workflow retention: any number. */
const workflowLock = 7_352_004;
/** Rows of counts from which on they are added up. */
const manyCounts = 100;

export async function prune(database: Database, rules: PruneRules, limit: number): Promise<Pruned> {
  const { events, workflows } = rules;
  if (events) await numberEvents(database);
  const { jobs, others } = await database.transact(0, (tx) => pruneAlone(tx, rules, limit));
  let limitsBefore = 0;
  if (rules.limitsBefore !== undefined) {
    const before = rules.limitsBefore;
    // The removed jobs have left deltas of their keys; only a key without deltas is removed.
    await rollUp(database, 0);
    limitsBefore = await database.transact(0, (tx) => pruneLimits(tx, before, limit));
  }
  let gone = 0;
  for (let more = workflows !== undefined; workflows && more; ) {
    const left = limit - gone;
    const removed = await database.transact(0, (tx) => pruneWorkflows(tx, workflows, left));
    gone += removed.gone;
    more = removed.more;
  }
  return { jobs, others: { ...others, limitsBefore, workflows: gone } };
}

async function pruneAlone(tx: Transaction, rules: PruneRules, limit: number): Promise<Pruned> {
  if ((await tx.query(alone))[0]?.[0] !== true) return { jobs: rules.jobs.map(() => noJobs), others: noOthers };
  const { events, statisticsBefore, requestsBefore, workersBefore } = rules;
  const removed = async (statement: string, before: number) => (await tx.query(statement, [before, limit])).length;
  const jobs: PrunedJobs[] = [];
  for (const rule of rules.jobs) jobs.push(await pruneJobs(tx, rule, limit));
  return {
    jobs,
    others: {
      ...noOthers,
      events: events ? await pruneEvents(tx, events, limit) : 0,
      requestsBefore: requestsBefore === undefined ? 0 : await removed(forgetRequests, requestsBefore),
      workersBefore: workersBefore === undefined ? 0 : await removed(forgetWorkers, workersBefore),
      statisticsBefore:
        statisticsBefore === undefined
          ? 0
          : integer((await tx.query(forgetMinutes, [statisticsBefore, limit]))[0]?.[0]),
    },
  };
}

async function pruneJobs(
  tx: Transaction,
  { state, deadLetter, before, keep }: JobRule,
  limit: number,
): Promise<PrunedJobs> {
  if (!isIn(state, Terminal) || (deadLetter && state !== State.discarded)) return noJobs;
  const surplus =
    (await total(
      tx,
      deadLetter ? 'dead_letter' : state === State.discarded ? 'discarded - dead_letter' : stateName(state),
    )) - keep;
  const rows = await (deadLetter ? tx.query(oldestDead, [limit]) : tx.query(oldestAlive, [state, limit]));
  const old = rows.filter(([, at], index) => index < surplus || integer(at) < before);
  const removed = old.length === 0 ? [] : await tx.query(removeEnded, [uuids(old.map(([id]) => text(id)))]);
  const gone = new Set(removed.map(([id]) => text(id)));
  let overCap = 0;
  let lastAt: Millis | null = null;
  for (const [cell, at, queue, limits, priority] of old) {
    const id = text(cell);
    if (!gone.has(id)) continue;
    lastAt = integer(at);
    if (lastAt >= before) overCap += 1;
    const keys = limits === null ? [] : readTexts(text(limits));
    tx.count({ id, queue: text(queue), priority: integer(priority), limits: keys }, state, null);
    if (deadLetter) tx.counts.addDeadLetter(text(queue), -1);
  }
  tx.flush();
  return { gone: gone.size, overCap, surplus: Math.max(0, surplus - gone.size), lastAt };
}

async function total(tx: Transaction, sum: string): Promise<number> {
  return integer((await tx.query(`SELECT coalesce(sum(${sum}), 0)::int FROM ojs.counts`))[0]?.[0]);
}

/** Removes a batch of events once its last event may go. Batches without a position stay. */
async function pruneEvents(tx: Transaction, { before, keep }: KeepRule, limit: number): Promise<number> {
  const [store] = await tx.query('SELECT position FROM ojs.store');
  const newest = integer(store?.[0]);
  const rows = await tx.query(
    'SELECT position, at, count FROM ojs.events WHERE position IS NOT NULL ORDER BY position LIMIT $1',
    [limit],
  );
  let gone = 0;
  let upTo = 0;
  for (const [position, at, count] of rows) {
    const last = integer(position) + integer(count) - 1;
    if (integer(at) >= before && last > newest - keep) break;
    gone += 1;
    upTo = last;
  }
  if (gone > 0) tx.write('DELETE FROM ojs.events WHERE position <= $1', [upTo]);
  return gone;
}

async function pruneLimits(tx: Transaction, before: Millis, limit: number): Promise<number> {
  const groups = await LimitGroups.open(tx, 0);
  groups.limits.flush();
  const gone = await tx.query(forgetLimits, [before, limit]);
  if (gone.length > 0)
    tx.write('DELETE FROM ojs.starts WHERE key = ANY ($1::text[])', [texts(gone.map(([key]) => text(key)))]);
  return gone.length;
}

/**
 * Removes ended workflows with their nodes; returns how many, and whether there may be more. Only one transaction at a
 * time does so, because two would each remove the surplus; the other removes nothing.
 */
async function pruneWorkflows(
  tx: Transaction,
  { before, keep }: KeepRule,
  limit: number,
): Promise<{ readonly gone: number; readonly more: boolean }> {
  const [locked] = await tx.query(`SELECT pg_try_advisory_xact_lock(hashtext('ojs.'), ${workflowLock})`);
  if (locked?.[0] !== true) return { gone: 0, more: false };
  const [ended] = await tx.query(
    `SELECT (SELECT coalesce(sum(count), 0) FROM ojs.workflow_counts WHERE state <> 'running')::bigint
       - (SELECT count(*) FROM ojs.workflows WHERE sweeping)`,
  );
  const surplus = integer(ended?.[0]) - keep;
  const rows = await tx.query(
    `SELECT number, finished_at, nodes, state, state = 'cancelled' AND completed + failed + cancelled < total
      FROM ojs.workflows WHERE finished_at IS NOT NULL AND NOT sweeping
      ORDER BY finished_at, number LIMIT $1`,
    [limit],
  );
  const gone: number[] = [];
  let nodes = 0;
  for (const [at, [number, finishedAt, size, state, hasOpenSteps]] of rows.entries()) {
    if ((at >= surplus && integer(finishedAt) >= before) || nodes >= nodesAtOnce) break;
    if (flag(hasOpenSteps)) continue;
    gone.push(integer(number));
    nodes += integer(size);
    tx.counts.addWorkflow(readWorkflowState(state), -1);
  }
  if (gone.length > 0) {
    tx.write('DELETE FROM ojs.workflows WHERE number = ANY ($1::bigint[])', [gone]);
    for (const table of ['nodes', 'node_specs'])
      tx.write(
        `DELETE FROM ojs.${table} AS node USING unnest($1::bigint[]) AS gone (flow)
         WHERE node.number >= flow * ${nodesPerWorkflow} AND node.number < (flow + 1) * ${nodesPerWorkflow}`,
        [gone],
      );
  }
  await addUpCounts(tx);
  return { gone: gone.length, more: gone.length < limit && nodes >= nodesAtOnce };
}

async function addUpCounts(tx: Transaction): Promise<void> {
  const rows = await tx.query('SELECT FROM ojs.workflow_counts LIMIT $1', [manyCounts]);
  if (rows.length < manyCounts) return;
  tx.write(
    `WITH gone AS (DELETE FROM ojs.workflow_counts RETURNING state, count)
     INSERT INTO ojs.workflow_counts (state, count) SELECT state, sum(count) FROM gone
     GROUP BY state HAVING sum(count) <> 0`,
  );
}
