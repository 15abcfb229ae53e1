-- Gives positions to the batches that have none. Whoever numbers holds the head row until its commit, so numbers become visible in their own order.
CREATE FUNCTION number_events() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM event WHERE position IS NULL) THEN RETURN; END IF;
  PERFORM 1 FROM event_head FOR UPDATE;
  WITH fresh AS (
    SELECT seq, count, (SELECT newest FROM event_head) + sum(count) OVER (ORDER BY seq) - count + 1 AS position
      FROM (SELECT seq, count FROM event WHERE position IS NULL ORDER BY seq LIMIT 1000) e
  ), numbered AS (
    UPDATE event e SET position = f.position FROM fresh f WHERE e.seq = f.seq RETURNING e.count
  )
  UPDATE event_head SET newest = newest + (SELECT coalesce(sum(count), 0) FROM numbered);
END $$;
