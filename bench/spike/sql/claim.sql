-- Three statements, and each sees what is committed when it starts (READ COMMITTED): candidate lanes without locks, the lock of their keys,
-- the count of slots. One statement would count with a snapshot from before the lock and let a third job into a limit of two.
CREATE FUNCTION ojs_claim(q text, want int, lease_ms bigint, new_worker text, now bigint)
RETURNS TABLE (id uuid, claim int, started_at bigint, keys text[], workflow uuid, node int, envelope text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  lanes text[]; needed text[]; locked text[];
BEGIN
  IF NOT EXISTS (SELECT 1 FROM lane WHERE queue = q) THEN
    RETURN QUERY
    WITH chosen AS MATERIALIZED (
      SELECT id FROM job WHERE queue = q AND state = 2 AND lane IS NULL ORDER BY priority DESC, seq LIMIT want FOR UPDATE SKIP LOCKED
    ), claimed AS (
      UPDATE job j SET state = 8, claim = j.claim + 1, attempt = j.attempt + 1, started_at = now, lease_until = now + lease_ms, worker = new_worker
        FROM chosen c WHERE j.id = c.id RETURNING j.*
    ), logged AS (
      INSERT INTO event (at, kind, count, entries)
      SELECT now, 'started', count(*), string_agg(id::text, ',') FROM claimed HAVING count(*) > 0
    )
    SELECT id, claim, started_at, '{}'::text[], workflow, node, envelope FROM claimed ORDER BY priority DESC, seq;
    RETURN;
  END IF;

  -- A saturated key is seen here and costs no lock. A key that another claim holds is skipped: its jobs are that claim's, or the next one's.
  WITH candidate AS (
    SELECT l.lane, l.keys FROM lane l
     CROSS JOIN LATERAL (
       SELECT priority, seq FROM job WHERE queue = q AND lane = l.lane AND state = 2 ORDER BY priority DESC, seq LIMIT 1) head
     WHERE l.queue = q AND NOT EXISTS (
       SELECT 1 FROM limit_key k WHERE k.key = ANY (l.keys) AND (
         (k.concurrency IS NOT NULL AND (SELECT count(*) FROM slot s WHERE s.key = k.key) >= k.concurrency)
         OR (k.rate_count IS NOT NULL AND EXISTS (SELECT 1 FROM start s WHERE s.key = k.key AND s.n = k.started + 1 - k.rate_count AND s.at > greatest(now, k.last_at) - k.rate_per))))
     ORDER BY head.priority DESC, head.seq LIMIT want
  )
  SELECT array_agg(lane), (SELECT array_agg(DISTINCT u) FROM candidate c, unnest(c.keys) u) INTO lanes, needed FROM candidate;
  SELECT array_agg(key) INTO locked FROM (SELECT key FROM limit_key WHERE key = ANY (needed) ORDER BY key FOR UPDATE SKIP LOCKED) k;

  RETURN QUERY
  WITH free AS MATERIALIZED (
    SELECT k.key, k.concurrency IS NOT NULL AS slots, k.rate_count IS NOT NULL AS timed, k.started, greatest(now, k.last_at) AS at,
           least(want,
             CASE WHEN k.concurrency IS NOT NULL THEN k.concurrency - (SELECT count(*) FROM slot s WHERE s.key = k.key) END,
             CASE WHEN k.rate_count IS NOT NULL THEN least(k.rate_count, want) - (
               SELECT count(*) FROM start s WHERE s.key = k.key AND s.at > greatest(now, k.last_at) - k.rate_per
                  AND s.n > k.started - k.rate_count AND s.n <= k.started - k.rate_count + least(k.rate_count, want)) END) AS free
      FROM limit_key k WHERE k.key = ANY (locked)
  ), open AS (
    SELECT l.lane, l.keys, room.free FROM lane l
     CROSS JOIN LATERAL (SELECT min(coalesce(f.free, 0)) AS free FROM unnest(l.keys) u LEFT JOIN free f ON f.key = u) room
     WHERE l.queue = q AND l.lane = ANY (lanes) AND room.free > 0
  ), head AS (
    SELECT f.id, f.priority, f.seq, NULL::text[] AS keys FROM (
      SELECT id, priority, seq FROM job WHERE queue = q AND state = 2 AND lane IS NULL ORDER BY priority DESC, seq LIMIT want FOR UPDATE SKIP LOCKED) f
    UNION ALL
    SELECT j.id, j.priority, j.seq, o.keys FROM open o CROSS JOIN LATERAL (
      SELECT id, priority, seq FROM job WHERE queue = q AND lane = o.lane AND state = 2 ORDER BY priority DESC, seq LIMIT o.free) j
  ), waiting AS MATERIALIZED (
    -- Enough where lanes share no key. Where they do, the answer may be short of what could start, never empty: the first of all always fits.
    SELECT * FROM head ORDER BY priority DESC, seq LIMIT want
  ), ranked AS (
    -- Lanes may share a key: each key admits the first `free` of all its candidates.
    SELECT w.id, row_number() OVER (PARTITION BY u ORDER BY w.priority DESC, w.seq) <= f.free AS fits FROM waiting w CROSS JOIN unnest(w.keys) u JOIN free f ON f.key = u
  ), chosen AS MATERIALIZED (
    SELECT w.id, w.keys FROM waiting w LEFT JOIN (SELECT id, bool_and(fits) AS fits FROM ranked GROUP BY id) r ON r.id = w.id
     WHERE r.fits IS NOT FALSE ORDER BY w.priority DESC, w.seq LIMIT want
  ), locked_jobs AS MATERIALIZED (
    -- Rows of lanes are locked only now: no other claim can take them while this one holds their keys, a cancellation can. Locking
    -- all candidates would write to up to `want` rows a lane.
    SELECT c.id, c.keys FROM chosen c JOIN job j ON j.id = c.id WHERE j.state = 2 FOR UPDATE OF j SKIP LOCKED
  ), claimed AS (
    UPDATE job j SET state = 8, claim = j.claim + 1, attempt = j.attempt + 1, lease_until = now + lease_ms, worker = new_worker,
           started_at = greatest(now, (SELECT max(f.at) FROM free f))
      FROM locked_jobs c WHERE j.id = c.id RETURNING j.*, c.keys
  ), held AS (
    INSERT INTO slot (key, job, claim) SELECT f.key, c.id, c.claim FROM claimed c JOIN free f ON f.key = ANY (c.keys) WHERE f.slots
  ), timed AS (
    INSERT INTO start (key, n, at)
    SELECT f.key, f.started + row_number() OVER (PARTITION BY f.key ORDER BY c.seq), c.started_at FROM claimed c JOIN free f ON f.key = ANY (c.keys) WHERE f.timed
    RETURNING key, n, at
  ), counted AS (
    UPDATE limit_key k SET started = t.n, last_at = t.at FROM (SELECT key, max(n) AS n, max(at) AS at FROM timed GROUP BY key) t WHERE k.key = t.key
  ), forgotten AS (
    DELETE FROM start s USING limit_key k WHERE k.key = ANY (locked) AND s.key = k.key AND s.n <= k.started - k.rate_count AND s.at <= now - k.rate_per
  ), logged AS (
    INSERT INTO event (at, kind, count, entries)
    SELECT now, 'started', count(*), string_agg(id::text, ',') FROM claimed HAVING count(*) > 0
  )
  SELECT id, claim, started_at, coalesce(keys, '{}'), workflow, node, envelope FROM claimed ORDER BY priority DESC, seq;
END $$;
