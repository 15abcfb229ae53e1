import type { SqlQueries } from '../../sql/dump.ts';
import { jobColumns } from '../jobs/job-row.ts';
import { allQueues } from '../registry/queues.ts';
import { selectMinutes } from '../registry/statistics.ts';
import { nodesPerWorkflow } from '../workflows/nodes.ts';

export const queries: SqlQueries = {
  store: `SELECT seed, lease_key, position + (SELECT coalesce(sum(count), 0) FROM ojs.events
    WHERE position IS NULL)::bigint, last_start FROM ojs.store`,
  queue: allQueues,
  limit: `SELECT known.key, coalesce(changed.own, limits.own), limits.override, greatest(limits.used_at,
    changed.used_at)
    FROM (SELECT key FROM ojs.limits UNION SELECT key FROM ojs.limit_changes) AS known
    LEFT JOIN ojs.limits USING (key)
    LEFT JOIN LATERAL (SELECT max(used_at) AS used_at, (array_agg(own
    ORDER BY number DESC) FILTER (WHERE own IS NOT NULL))[1] AS own
      FROM ojs.limit_changes WHERE key = known.key) AS changed ON true`,
  starts: 'SELECT key, json_agg(at ORDER BY number)::text FROM ojs.starts GROUP BY key ORDER BY key',
  node: `SELECT number % ${nodesPerWorkflow}, state, open, failed, member, closed_at, name, job,
      array_to_json(next)::text, result, error, spec, number / ${nodesPerWorkflow}
    FROM ojs.nodes JOIN ojs.node_specs USING (number) ORDER BY number`,
  job: `SELECT ${jobColumns}, place FROM ojs.whole`,
  minute: selectMinutes(''),
  request: `SELECT request, at, coalesce((SELECT json_agg(json_build_array(id, claim) ORDER BY place)::text
      FROM unnest(ids, claims) WITH ORDINALITY AS held (id, claim, place)), '[]')
    FROM ojs.requests ORDER BY at, number`,
  // Batches without a position follow the others.
  events: `SELECT coalesce(position, (SELECT position
    FROM ojs.store) + 1 + sum(CASE WHEN position IS NULL THEN count ELSE 0 END) OVER (ORDER BY number) - count)::bigint,
    at, count, entries FROM ojs.events ORDER BY 1`,
};
