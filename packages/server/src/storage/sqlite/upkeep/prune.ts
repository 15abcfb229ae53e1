import type { Millis } from '@ojs-ts/core';
import { State, stateName, Terminal } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import { hasOpenSteps } from '@ojs-ts/core/workflow';
import { integer } from '../../cells.ts';
import { columns } from '../../columns.ts';
import {
  type JobRule,
  type KeepRule,
  noJobs,
  noOthers,
  type Pruned,
  type PrunedJobs,
  type PruneRules,
} from '../../prune.ts';
import { statements } from '../statements.ts';
import type { Transaction } from '../transaction.ts';

const forgetWorkers = `DELETE FROM ojs_workers WHERE worker IN
  (SELECT worker FROM ojs_workers WHERE seen_at < ? ORDER BY seen_at, worker LIMIT ? + 0)`;

const oldestBatches = columns({ position: integer, at: integer, count: integer }).from(
  'ojs_events ORDER BY position LIMIT ? + 0',
);
const oldestRequests = columns({ number: integer, at: integer }).from('ojs_requests ORDER BY number LIMIT ? + 0');

/** Prunes everything but workflows. */
export function prune(tx: Transaction, rules: PruneRules, limit: number): Pruned {
  const { events, statisticsBefore, requestsBefore, workersBefore, limitsBefore } = rules;
  // The sums below need the counts that this transaction has gathered so far.
  tx.flush();
  return {
    jobs: rules.jobs.map((rule) => pruneJobs(tx, rule, limit)),
    others: {
      ...noOthers,
      events: events ? pruneEvents(tx, events, limit) : 0,
      requestsBefore: requestsBefore === undefined ? 0 : pruneRequests(tx, requestsBefore, limit),
      workersBefore: workersBefore === undefined ? 0 : tx.sql.run(forgetWorkers, workersBefore, limit),
      statisticsBefore:
        statisticsBefore === undefined ? 0 : tx.sql.run(statements.forgetMinutes, statisticsBefore, limit),
      limitsBefore: limitsBefore === undefined ? 0 : tx.limits.prune(limitsBefore, limit),
    },
  };
}

function pruneJobs(tx: Transaction, { state, deadLetter, before, keep }: JobRule, limit: number): PrunedJobs {
  if (!isIn(state, Terminal)) return noJobs;
  const surplus = total(tx, state, deadLetter) - keep;
  let gone = 0;
  let overCap = 0;
  let lastAt: Millis | null = null;
  for (const { number, finishedAt, queue, ties, steps } of oldest(tx, state, deadLetter, limit)) {
    if (gone >= surplus && finishedAt >= before) break;
    tx.sql.change(statements.remove, number);
    tx.counters.add(queue, state, -1, 0);
    if (deadLetter) tx.counters.addDeadLetter(queue, -1, 0);
    tx.removed({ ...ties, steps });
    gone += 1;
    lastAt = finishedAt;
    if (lastAt >= before) overCap += 1;
  }
  tx.flush();
  return { gone, overCap, surplus: Math.max(0, surplus - gone), lastAt };
}

function oldest(tx: Transaction, state: State, deadLetter: boolean, limit: number) {
  if (state !== State.discarded) return deadLetter ? [] : tx.sql.all(statements.oldest, state, limit);
  return tx.sql.all(deadLetter ? statements.oldestDead : statements.oldestDiscarded, limit);
}

function total(tx: Transaction, state: State, deadLetter: boolean): number {
  const discarded = deadLetter ? 'dead_letter' : 'discarded - dead_letter';
  const count = state === State.discarded ? discarded : deadLetter ? '0' : stateName(state);
  return integer(tx.sql.value(`SELECT coalesce(sum(${count}), 0) FROM ojs_queues`));
}

/** Deletes a batch as a whole, once its last event may go. */
function pruneEvents(tx: Transaction, { before, keep }: KeepRule, limit: number): number {
  const newest = integer(tx.sql.value('SELECT position FROM ojs_store'));
  let gone = 0;
  let upTo = 0;
  for (const { position, at, count } of tx.sql.all(oldestBatches, limit)) {
    const last = position + count - 1;
    if (at >= before && last > newest - keep) break;
    gone += 1;
    upTo = last;
  }
  if (gone > 0) tx.sql.run('DELETE FROM ojs_events WHERE position <= ?', upTo);
  return gone;
}

function pruneRequests(tx: Transaction, before: Millis, limit: number): number {
  let gone = 0;
  for (const { number, at } of tx.sql.all(oldestRequests, limit)) {
    if (at >= before) break;
    tx.sql.run('DELETE FROM ojs_requests WHERE number = ?', number);
    gone += 1;
  }
  return gone;
}

/**
 * Nodes that one transaction deletes: about 1 µs each. A workflow goes with all its nodes, so the last workflow may
 * exceed the number.
 */
const nodesAtOnce = 5000;

/** Answers how many are gone, and whether there may be more. */
export function pruneWorkflows(
  tx: Transaction,
  { before, keep }: KeepRule,
  limit: number,
): { readonly gone: number; readonly more: boolean } {
  tx.flush();
  const surplus = integer(tx.sql.value(statements.endedFlows)) - keep;
  let gone = 0;
  let nodes = 0;
  for (const [at, flow] of tx.sql.all(statements.oldestFlows, limit).entries()) {
    const { number, finishedAt, firstNode, lastNode, state } = flow;
    if ((at >= surplus && finishedAt >= before) || nodes >= nodesAtOnce) break;
    if (hasOpenSteps(flow)) continue;
    tx.sql.change(statements.removeNodes, firstNode, lastNode);
    tx.sql.change(statements.removeNodeSpecs, firstNode, lastNode);
    tx.sql.change(statements.removeFlow, number);
    tx.graph.count(state, -1);
    gone += 1;
    nodes += lastNode - firstNode + 1;
  }
  // The transaction may have read what is deleted now.
  tx.graph.flush();
  tx.graph.forget();
  return { gone, more: gone < limit && nodes >= nodesAtOnce };
}
