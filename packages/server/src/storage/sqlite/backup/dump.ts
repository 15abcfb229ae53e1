import type { Select } from '../../columns.ts';
import { batchColumns, minuteColumns, queueColumns } from '../../rows.ts';
import { dumped, type SqlQueries } from '../../sql/dump.ts';
import { jobsWithPlace } from '../row.ts';

/** A query with the names of tables as SQLite has them. */
export function inSqlite(query: string): string {
  return query.replaceAll('ojs.', 'ojs_');
}

export function selectInSqlite<T>({ text, read }: Select<T>): Select<T> {
  return { text: inSqlite(text), read };
}

export const queries: SqlQueries = {
  store: dumped.store.from('ojs.store'),
  queue: queueColumns.from('ojs.queues'),
  limit: dumped.limit.from('ojs.limits ORDER BY key'),
  starts: dumped.starts.of(
    'SELECT key, json_group_array(at ORDER BY number) AS at FROM ojs.starts GROUP BY key ORDER BY key',
  ),
  // CROSS JOIN keeps the order of the tables: each is read by its number, and nothing is sorted.
  node: dumped.node.of(`SELECT node.number - first_node, node.state, open, node.failed, member, closed_at, node.name, job,
      next, result, error, text.spec, workflow.number
    FROM ojs.workflows AS workflow CROSS JOIN ojs.nodes AS node CROSS JOIN ojs.node_specs AS text
    WHERE node.number BETWEEN first_node AND last_node AND text.number = node.number
    ORDER BY workflow.number, node.number`),
  job: jobsWithPlace,
  minute: minuteColumns.from('ojs.minutes ORDER BY minute, queue, type'),
  request: dumped.request.of('SELECT request AS key, at, claims FROM ojs.requests ORDER BY number'),
  events: batchColumns.from('ojs.events ORDER BY position'),
};
