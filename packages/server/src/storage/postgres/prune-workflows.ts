import { readWorkflowState } from '../rows.ts';
import type { PruneRules } from '../storage.ts';
import { nodesOfFlow } from './nodes.ts';
import { integer } from './row.ts';
import type { Transaction } from './transaction.ts';

/** Nodes that one transaction may remove. A workflow goes with all of its own, so the last one may go beyond. */
const nodesAtOnce = 5000;
/** The advisory lock of those who remove workflows: any number. */
const lock = 7_352_004;
/** From so many rows on they are added up. */
const manyCounts = 100;

/**
 * Removes ended workflows with their nodes; answers how many, and whether there may be more. One at a time does so, or two would each remove the surplus: where another
 * does nothing is removed.
 */
export async function pruneWorkflows(
  tx: Transaction,
  { before, keep }: PruneRules['workflows'],
  limit: number,
): Promise<{ readonly gone: number; readonly more: boolean }> {
  const [locked] = await tx.query(`SELECT pg_try_advisory_xact_lock(hashtext('ojs.'), ${lock})`);
  if (locked?.[0] !== true) return { gone: 0, more: false };
  const [ended] = await tx.query(
    `SELECT (SELECT coalesce(sum(count), 0) FROM ojs.workflow_counts WHERE state <> 'running')::bigint
       - (SELECT count(*) FROM ojs.workflows WHERE sweeping)`,
  );
  const surplus = integer(ended?.[0]) - keep;
  const rows = await tx.query(
    `SELECT number, finished_at, nodes, state FROM ojs.workflows WHERE finished_at IS NOT NULL AND NOT sweeping ORDER BY finished_at, number LIMIT $1`,
    [limit],
  );
  const gone: number[] = [];
  let nodes = 0;
  for (const [number, finishedAt, size, state] of rows) {
    if ((gone.length >= surplus && integer(finishedAt) >= before) || nodes >= nodesAtOnce) break;
    gone.push(integer(number));
    nodes += integer(size);
    tx.counts.addWorkflow(readWorkflowState(state), -1);
  }
  if (gone.length > 0) {
    tx.write('DELETE FROM ojs.workflows WHERE number = ANY ($1::bigint[])', [gone]);
    for (const table of ['nodes', 'node_specs'])
      tx.write(
        `DELETE FROM ojs.${table} AS node USING unnest($1::bigint[]) AS gone (flow)
         WHERE node.number >= flow * ${nodesOfFlow} AND node.number < (flow + 1) * ${nodesOfFlow}`,
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
     INSERT INTO ojs.workflow_counts (state, count) SELECT state, sum(count) FROM gone GROUP BY state HAVING sum(count) <> 0`,
  );
}
