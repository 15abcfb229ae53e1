/** The queues in which jobs wait under the keys of `$1`: one look-up a queue and key, however many lanes there are. */
export const queuesUnder = `WITH RECURSIVE under AS (
    SELECT wanted.key, (SELECT queue FROM ojs.lane_keys WHERE lane_keys.key = wanted.key ORDER BY queue LIMIT 1) AS queue
    FROM unnest($1::text[]) AS wanted (key)
    UNION ALL
    SELECT under.key, (SELECT queue FROM ojs.lane_keys WHERE lane_keys.key = under.key AND queue > under.queue ORDER BY queue LIMIT 1)
    FROM under WHERE under.queue IS NOT NULL)
  SELECT DISTINCT queue FROM under WHERE queue IS NOT NULL`;
