-- items: i, wave, id, from, claim, to
CREATE FUNCTION ojs_transition(items jsonb, last_wave int, now bigint)
RETURNS TABLE (i int, kind text, was int, ready jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  w int; wave_i int[]; wave_was int[]; limited uuid[];
  wave_ended_i int[]; wave_ended uuid[]; wave_failing boolean[];
  moved_i int[] := '{}'; moved_was int[] := '{}'; ended_i int[] := '{}'; ended uuid[] := '{}'; failing boolean[] := '{}';
BEGIN
  -- Locks are ordered over the whole batch, not wave by wave: jobs by id here (one wave does it in its own statement), nodes after the last wave.
  IF last_wave > 0 THEN
    PERFORM 1 FROM job WHERE id IN (SELECT x.id FROM jsonb_to_recordset(items) AS x(id uuid)) ORDER BY id FOR UPDATE;
  END IF;
  FOR w IN 0..last_wave LOOP
    WITH item AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(items) AS x(i int, wave int, id uuid, "from" int, claim int, "to" int) WHERE x.wave = w
    ), held AS MATERIALIZED (
      SELECT it.i, it."to", j.id, j.state, j.lane FROM item it JOIN job j ON j.id = it.id
       WHERE j.state & it."from" <> 0 AND (it.claim IS NULL OR j.claim = it.claim) ORDER BY j.id FOR UPDATE OF j
    ), moved AS (
      UPDATE job j SET state = h."to", lease_until = NULL, worker = NULL, seq = CASE WHEN h."to" = 2 THEN nextval('job_seq') ELSE j.seq END
        FROM held h WHERE j.id = h.id RETURNING h.i, j.id, h.state AS was, h."to", h.lane, j.workflow IS NOT NULL AND h."to" & 208 <> 0 AS ends
    ), logged AS (
      INSERT INTO event (at, kind, count, entries)
      SELECT now, 'moved', count(*), string_agg(id::text, ',') FROM moved HAVING count(*) > 0
    )
    SELECT array_agg(i), array_agg(was), array_agg(id) FILTER (WHERE lane IS NOT NULL AND was = 8),
           array_agg(i) FILTER (WHERE ends), array_agg(id) FILTER (WHERE ends), array_agg("to" <> 16) FILTER (WHERE ends)
      INTO wave_i, wave_was, limited, wave_ended_i, wave_ended, wave_failing FROM moved;
    moved_i := moved_i || wave_i;
    moved_was := moved_was || wave_was;
    ended_i := ended_i || wave_ended_i;
    ended := ended || wave_ended;
    failing := failing || wave_failing;
    IF limited IS NOT NULL THEN DELETE FROM slot WHERE job = ANY (limited); END IF;
    RETURN QUERY
    SELECT it.i, CASE WHEN j.id IS NULL THEN 'missing' WHEN j.state = it."to" AND j.claim = it.claim THEN 'already' ELSE 'refused' END, 0, NULL::jsonb
      FROM jsonb_to_recordset(items) AS it(i int, wave int, id uuid, "from" int, claim int, "to" int) LEFT JOIN job j ON j.id = it.id
     WHERE it.wave = w AND it.i <> ALL (moved_i);
  END LOOP;
  RETURN QUERY
  WITH ends AS (
    -- A job that ends twice in one batch closes its node the first time.
    SELECT DISTINCT ON (e.id) e.i, e.id, e.f FROM unnest(ended_i, ended, failing) WITH ORDINALITY AS e(i, id, f, n) ORDER BY e.id, e.n
  ), closing AS MATERIALIZED (
    SELECT e.i, c.* FROM close_nodes((SELECT array_agg(id ORDER BY id) FROM ends), (SELECT array_agg(f ORDER BY id) FROM ends)) c JOIN ends e ON e.id = c.job
  )
  SELECT m.i, 'moved', m.was,
         (SELECT jsonb_agg(jsonb_build_object('workflow', r.ready_workflow, 'index', r.ready_index, 'failed', r.ready_failed)) FROM closing r WHERE r.i = m.i)
    FROM unnest(moved_i, moved_was) AS m(i, was);
END $$;
