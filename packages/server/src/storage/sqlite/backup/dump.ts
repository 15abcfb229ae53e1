import { sumColumns } from '../../rows.ts';
import type { SqlQueries } from '../../sql/dump.ts';
import { jobColumns } from '../row.ts';

/** A query with the names of tables as SQLite has them. */
export function inSqlite(query: string): string {
  return query.replaceAll('ojs.', 'ojs_');
}

export const queries: SqlQueries = {
  store: 'SELECT seed, lease_key, position, last_start FROM ojs.store',
  queue: 'SELECT name, created_at, paused, capacity, config, version FROM ojs.queues',
  limit: 'SELECT key, own, override, used_at FROM ojs.limits ORDER BY key',
  starts: 'SELECT key, json_group_array(at ORDER BY number) FROM ojs.starts GROUP BY key ORDER BY key',
  // CROSS JOIN keeps the order of the tables: each is read by its number, and nothing is sorted.
  node: `SELECT node.number - first_node, node.state, open, node.failed, member, closed_at, node.name, job, next, result,
      error, text.spec, workflow.number
    FROM ojs.workflows AS workflow CROSS JOIN ojs.nodes AS node CROSS JOIN ojs.node_specs AS text
    WHERE node.number BETWEEN first_node AND last_node AND text.number = node.number
    ORDER BY workflow.number, node.number`,
  job: `SELECT ${jobColumns}, place FROM ojs.jobs ORDER BY number`,
  minute: `SELECT minute, queue, type, ${sumColumns.join(', ')}, histogram FROM ojs.minutes ORDER BY minute, queue, type`,
  request: 'SELECT request, at, claims FROM ojs.requests ORDER BY number',
  events: 'SELECT position, at, count, entries FROM ojs.events ORDER BY position',
};
