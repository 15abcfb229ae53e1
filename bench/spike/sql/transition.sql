-- items: i, wave, id, from, claim, to
CREATE FUNCTION ojs_transition(items jsonb, last_wave int, now bigint)
RETURNS TABLE (i int, kind text, was int, ready jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  w int; moved_i int[]; moved_id uuid[]; moved_was int[]; moved_to int[]; limited uuid[]; ended uuid[]; failing boolean[];
BEGIN
  FOR w IN 0..last_wave LOOP
    WITH item AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(items) AS x(i int, wave int, id uuid, "from" int, claim int, "to" int) WHERE x.wave = w
    ), held AS MATERIALIZED (
      SELECT it.i, it."to", j.id, j.state, j.lane FROM item it JOIN job j ON j.id = it.id
       WHERE j.state & it."from" <> 0 AND (it.claim IS NULL OR j.claim = it.claim) ORDER BY j.id FOR UPDATE OF j
    ), moved AS (
      UPDATE job j SET state = h."to", lease_until = NULL, worker = NULL, seq = CASE WHEN h."to" = 2 THEN nextval('job_seq') ELSE j.seq END
        FROM held h WHERE j.id = h.id RETURNING h.i, j.id, h.state AS was, h."to", h.lane, j.workflow
    ), logged AS (
      INSERT INTO event (at, kind, count, entries)
      SELECT now, 'moved', count(*), string_agg(id::text, ',') FROM moved HAVING count(*) > 0
    )
    SELECT array_agg(i), array_agg(id), array_agg(was), array_agg("to"), array_agg(id) FILTER (WHERE lane IS NOT NULL AND was = 8),
           array_agg(id) FILTER (WHERE workflow IS NOT NULL AND "to" & 208 <> 0), array_agg("to" <> 16) FILTER (WHERE workflow IS NOT NULL AND "to" & 208 <> 0)
      INTO moved_i, moved_id, moved_was, moved_to, limited, ended, failing FROM moved;
    IF limited IS NOT NULL THEN DELETE FROM slot WHERE job = ANY (limited); END IF;
    RETURN QUERY
    WITH closing AS MATERIALIZED (SELECT * FROM close_nodes(ended, failing))
    SELECT m.i, 'moved', m.was, (SELECT jsonb_agg(jsonb_build_object('workflow', r.ready_workflow, 'index', r.ready_index, 'failed', r.ready_failed)) FROM closing r WHERE r.job = m.id)
      FROM unnest(moved_i, moved_id, moved_was) AS m(i, id, was);
    RETURN QUERY
    SELECT it.i, CASE WHEN j.id IS NULL THEN 'missing' WHEN j.state = it."to" AND j.claim = it.claim THEN 'already' ELSE 'refused' END, 0, NULL::jsonb
      FROM jsonb_to_recordset(items) AS it(i int, wave int, id uuid, "from" int, claim int, "to" int) LEFT JOIN job j ON j.id = it.id
     WHERE it.wave = w AND it.i <> ALL (coalesce(moved_i, '{}'));
  END LOOP;
END $$;
