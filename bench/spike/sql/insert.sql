-- Closes the nodes of jobs that ended and answers the nodes whose last dependency that was. In the caller's transaction.
-- `closed` makes it once for a node, however often its job ends (a manual retry ends a discarded job a second time).
CREATE FUNCTION close_nodes(jobs uuid[], failing boolean[]) RETURNS TABLE (job uuid, ready_workflow uuid, ready_index int, ready_failed int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  wfs uuid[]; befores int[]; fails boolean[]; enders uuid[];
BEGIN
  IF jobs IS NULL THEN RETURN; END IF;
  -- Row locks in primary key order: two batches that close into the same nodes wait for each other, never in a circle.
  WITH ended AS MATERIALIZED (
    SELECT n.workflow, n.index, e.failing, j.id FROM unnest(jobs, failing) AS e(id, failing)
      JOIN job j ON j.id = e.id JOIN node n ON n.workflow = j.workflow AND n.index = j.node
     WHERE NOT n.closed ORDER BY n.workflow, n.index FOR UPDATE OF n
  ), closed AS (
    UPDATE node n SET closed = true FROM ended e WHERE n.workflow = e.workflow AND n.index = e.index AND NOT n.closed
    RETURNING n.workflow, n.index, e.failing, e.id
  )
  SELECT array_agg(workflow), array_agg(index), array_agg(failing), array_agg(id) INTO wfs, befores, fails, enders FROM closed;
  IF wfs IS NULL THEN RETURN; END IF;
  PERFORM 1 FROM node n WHERE (n.workflow, n.index) IN (
      SELECT e.workflow, e.after FROM edge e JOIN unnest(wfs, befores) AS c(w, b) ON e.workflow = c.w AND e.before = c.b)
    ORDER BY n.workflow, n.index FOR UPDATE;
  RETURN QUERY
  WITH loss AS (
    SELECT e.workflow, e.after, count(*)::int AS done, (count(*) FILTER (WHERE c.f))::int AS bad, (array_agg(c.id))[1] AS id
      FROM edge e JOIN unnest(wfs, befores, fails, enders) AS c(w, b, f, id) ON e.workflow = c.w AND e.before = c.b
     GROUP BY e.workflow, e.after
  ), moved AS (
    UPDATE node n SET open = n.open - l.done, failed = n.failed + l.bad FROM loss l WHERE n.workflow = l.workflow AND n.index = l.after
    RETURNING l.id, n.workflow, n.index, n.failed, n.open
  )
  SELECT m.id, m.workflow, m.index, m.failed FROM moved m WHERE m.open = 0;
END $$;

-- items: i, wave, id, queue, priority, created_at, envelope, unique_key, states, created_after, replace, lane, workflow, node
-- limits: key, concurrency, rate_count, rate_per, queue, lane, keys. locks: sorted.
CREATE FUNCTION ojs_insert(items jsonb, limits jsonb, lanes jsonb, locks bigint[], last_wave int, now bigint)
RETURNS TABLE (i int, kind text, existing uuid, replaced uuid[], ready jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  lock bigint; w int; replacing bytea[];
BEGIN
  FOREACH lock IN ARRAY locks LOOP PERFORM pg_advisory_xact_lock(lock); END LOOP;
  -- ON CONFLICT DO UPDATE locks the row even where its WHERE refuses, so rows that are right already are left out beforehand.
  IF limits IS NOT NULL THEN
    INSERT INTO limit_key (key, concurrency, rate_count, rate_per)
    SELECT key, concurrency, rate_count, rate_per FROM jsonb_to_recordset(limits) AS l(key text, concurrency int, rate_count int, rate_per bigint)
     WHERE NOT EXISTS (SELECT 1 FROM limit_key k WHERE k.key = l.key AND (k.concurrency, k.rate_count, k.rate_per)
           IS NOT DISTINCT FROM (l.concurrency, l.rate_count, l.rate_per))
     ORDER BY key
    ON CONFLICT (key) DO UPDATE SET concurrency = excluded.concurrency, rate_count = excluded.rate_count, rate_per = excluded.rate_per;
    INSERT INTO lane (queue, lane, keys)
    SELECT queue, lane, keys FROM jsonb_to_recordset(lanes) AS l(queue text, lane text, keys text[])
     WHERE NOT EXISTS (SELECT 1 FROM lane o WHERE o.queue = l.queue AND o.lane = l.lane) ORDER BY queue, lane
    ON CONFLICT DO NOTHING;
  END IF;
  -- What may be replaced is locked for the whole batch in the order in which transitions lock; a wave would lock its own only.
  -- (The keys as an array, or the planner may join the whole table: 40 ms an insert behind 200,000 completed jobs.)
  SELECT array_agg(decode(x.unique_key, 'hex')) INTO replacing FROM jsonb_to_recordset(items) AS x(unique_key text, replace boolean) WHERE x.replace;
  IF replacing IS NOT NULL THEN
    PERFORM 1 FROM job WHERE unique_key = ANY (replacing) AND state = ANY ('{1,2,4,8,32}'::smallint[]) ORDER BY id FOR UPDATE;
  END IF;
  FOR w IN 0..last_wave LOOP
    RETURN QUERY
    WITH item AS MATERIALIZED (
      SELECT x.*, decode(x.unique_key, 'hex') AS ukey FROM jsonb_to_recordset(items) AS x(i int, wave int, id uuid, queue text, priority smallint, created_at bigint,
             envelope text, unique_key text, states int, created_after bigint, replace boolean, lane text, workflow uuid, node int)
       WHERE x.wave = w
    ), known AS MATERIALIZED (
      -- Before the key: a repeated call that replaces would otherwise cancel what it made itself, or what has replaced that since.
      SELECT it.i FROM item it JOIN job j ON j.id = it.id
    ), dup AS MATERIALIZED (
      SELECT it.i, it.replace, f.id AS existing, f.state
        FROM item it
        CROSS JOIN LATERAL (
          SELECT j.id, j.state, j.created_at FROM unnest(ARRAY[1, 2, 4, 8, 16, 32, 64, 128]) AS s(bit)
            CROSS JOIN LATERAL (
              SELECT id, state, created_at FROM job
               WHERE unique_key = it.ukey AND state = s.bit::smallint AND created_at > coalesce(it.created_after, 0) ORDER BY created_at DESC
               LIMIT CASE WHEN s.bit & 47 = 0 THEN 1 END) j
           WHERE s.bit & it.states <> 0) f
       WHERE it.unique_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM known k WHERE k.i = it.i)
    ), winner AS (
      SELECT DISTINCT ON (i) i, existing FROM dup WHERE NOT replace ORDER BY i, existing
    ), victim AS MATERIALIZED (
      SELECT d.i, j.id, j.state FROM dup d JOIN job j ON j.id = d.existing
       WHERE d.replace AND j.state & 47 <> 0 ORDER BY j.id FOR UPDATE OF j
    ), cancelled AS (
      UPDATE job j SET state = 64, lease_until = NULL, worker = NULL FROM victim v WHERE j.id = v.id RETURNING v.i, j.id
    ), freed AS (
      DELETE FROM slot WHERE job IN (SELECT id FROM victim)
    ), fresh AS (
      INSERT INTO job (id, seq, queue, state, priority, created_at, unique_key, lane, workflow, node, envelope)
      SELECT it.id, nextval('job_seq'), it.queue, 2, it.priority, it.created_at, it.ukey, it.lane, it.workflow, it.node, it.envelope
        FROM (SELECT * FROM item ORDER BY i) it
       WHERE NOT EXISTS (SELECT 1 FROM winner n WHERE n.i = it.i) AND NOT EXISTS (SELECT 1 FROM known k WHERE k.i = it.i)
      ON CONFLICT (id) DO NOTHING RETURNING id
    ), logged AS (
      INSERT INTO event (at, kind, count, entries)
      SELECT now, 'enqueued', count(*), string_agg(id::text, ',') FROM fresh HAVING count(*) > 0
    ), logged2 AS (
      INSERT INTO event (at, kind, count, entries)
      SELECT now, 'moved', count(*), string_agg(id::text, ',') FROM cancelled HAVING count(*) > 0
    )
    SELECT it.i, CASE WHEN n.existing IS NOT NULL THEN 'duplicate' WHEN f.id IS NULL THEN 'already' ELSE 'inserted' END,
           n.existing, (SELECT array_agg(c.id) FROM cancelled c WHERE c.i = it.i), NULL::jsonb
      FROM item it LEFT JOIN winner n ON n.i = it.i LEFT JOIN fresh f ON f.id = it.id;
  END LOOP;
  -- A replaced job may be a node: its cancellation is a terminal transition like any other.
  IF replacing IS NULL THEN RETURN; END IF;
  RETURN QUERY
  WITH gone AS MATERIALIZED (
    SELECT min(x.i) AS i, j.id FROM job j
      JOIN node n ON n.workflow = j.workflow AND n.index = j.node AND NOT n.closed
      JOIN jsonb_to_recordset(items) AS x(i int, unique_key text, replace boolean) ON x.replace AND decode(x.unique_key, 'hex') = j.unique_key
     WHERE j.unique_key = ANY (replacing) AND j.state = 64 GROUP BY j.id
  )
  SELECT g.i, 'ready', NULL::uuid, NULL::uuid[],
         jsonb_agg(jsonb_build_object('workflow', r.ready_workflow, 'index', r.ready_index, 'failed', r.ready_failed))
    FROM close_nodes((SELECT array_agg(id ORDER BY id) FROM gone), (SELECT array_agg(true) FROM gone)) r JOIN gone g ON g.id = r.job GROUP BY g.i;
END $$;
