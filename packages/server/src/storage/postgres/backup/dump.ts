import { integerOrNull } from '../../cells.ts';
import { batchColumns } from '../../rows.ts';
import { dumped, type SqlQueries } from '../../sql/dump.ts';
import { jobColumns, readJob } from '../jobs/job-row.ts';
import { allQueues } from '../registry/queues.ts';
import { selectMinutes } from '../registry/statistics.ts';
import { nodesPerWorkflow } from '../workflows/nodes.ts';

export const queries: SqlQueries = {
  store: dumped.store.of(`SELECT seed, lease_key, position + (SELECT coalesce(sum(count), 0) FROM ojs.events
    WHERE position IS NULL)::bigint, last_start FROM ojs.store`),
  queue: allQueues,
  limit:
    dumped.limit.of(`SELECT known.key, coalesce(changed.own, limits.own), limits.override, coalesce(greatest(limits.used_at,
    changed.used_at), 0)
    FROM (SELECT key FROM ojs.limits UNION SELECT key FROM ojs.limit_changes) AS known
    LEFT JOIN ojs.limits USING (key)
    LEFT JOIN LATERAL (SELECT max(used_at) AS used_at, (array_agg(own
    ORDER BY number DESC) FILTER (WHERE own IS NOT NULL))[1] AS own
      FROM ojs.limit_changes WHERE key = known.key) AS changed ON true`),
  starts: dumped.starts.of(
    'SELECT key, json_agg(at ORDER BY number)::text AS at FROM ojs.starts GROUP BY key ORDER BY key',
  ),
  node: dumped.node.of(`SELECT number % ${nodesPerWorkflow}, state, open, failed, member, closed_at, name, job,
      array_to_json(next)::text, result, error, spec, number / ${nodesPerWorkflow}
    FROM ojs.nodes JOIN ojs.node_specs USING (number) ORDER BY number`),
  job: {
    text: `SELECT ${jobColumns}, place FROM ojs.whole`,
    read(cells) {
      const { number, job } = readJob(cells);
      return { number, place: integerOrNull(cells.at(-1)), job };
    },
  },
  minute: selectMinutes(''),
  request:
    dumped.request.of(`SELECT request, at, coalesce((SELECT json_agg(json_build_array(id, claim) ORDER BY place)::text
      FROM unnest(ids, claims) WITH ORDINALITY AS held (id, claim, place)), '[]')
    FROM ojs.requests ORDER BY at, number`),
  // Batches without a position follow the others.
  events: batchColumns.of(`SELECT coalesce(position, (SELECT position
    FROM ojs.store) + 1 + sum(CASE WHEN position IS NULL THEN count ELSE 0 END) OVER (ORDER BY number) - count)::bigint,
    at, count, entries FROM ojs.events ORDER BY 1`),
};
