CREATE TABLE job (
  id uuid PRIMARY KEY,
  seq bigint NOT NULL,
  queue text NOT NULL,
  state smallint NOT NULL,
  priority smallint NOT NULL,
  attempt int NOT NULL DEFAULT 0,
  claim int NOT NULL DEFAULT 0,
  created_at bigint NOT NULL,
  started_at bigint,
  lease_until bigint,
  worker text,
  unique_key bytea,
  -- The job's limit keys joined; null: no limit. Jobs of one lane wait for exactly the same keys, so a lane is open or closed as a whole.
  lane text,
  workflow uuid,
  node int,
  envelope text NOT NULL
);
CREATE SEQUENCE job_seq;
CREATE INDEX waiting_free ON job (queue, priority DESC, seq) WHERE state = 2 AND lane IS NULL;
CREATE INDEX waiting_lane ON job (queue, lane, priority DESC, seq) WHERE state = 2 AND lane IS NOT NULL;
-- Not UNIQUE: which states and which age count as a duplicate is said by the new request. State is in the index, so that
-- a week of completed jobs with one key costs a lookup nothing.
CREATE INDEX unique_key ON job (unique_key, state, created_at) WHERE unique_key IS NOT NULL;
CREATE INDEX lease ON job (lease_until) WHERE lease_until IS NOT NULL;

-- One row a key: the numbers that hold now (the last insert's), and the row that serialises starts under the key.
CREATE TABLE limit_key (
  key text PRIMARY KEY,
  concurrency int,
  rate_count int,
  rate_per bigint,
  started bigint NOT NULL DEFAULT 0,
  last_at bigint NOT NULL DEFAULT 0
);
CREATE TABLE lane (queue text, lane text, keys text[] NOT NULL, PRIMARY KEY (queue, lane));
CREATE TABLE slot (key text, job uuid, claim int, PRIMARY KEY (key, job, claim));
CREATE INDEX slot_job ON slot (job);
-- The sliding log, numbered: start n is allowed once start n - count is older than the period, one lookup a start whatever the count.
CREATE TABLE start (key text, n bigint, at bigint NOT NULL, PRIMARY KEY (key, n));

CREATE TABLE node (workflow uuid, index int, open int NOT NULL, failed int NOT NULL DEFAULT 0, closed boolean NOT NULL DEFAULT false, PRIMARY KEY (workflow, index));
CREATE TABLE edge (workflow uuid, before int, after int, PRIMARY KEY (workflow, before, after));

CREATE TABLE event (
  seq bigserial PRIMARY KEY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  position bigint UNIQUE,
  at bigint NOT NULL,
  kind text NOT NULL,
  count int NOT NULL,
  entries text NOT NULL
);
CREATE INDEX event_unnumbered ON event (seq) WHERE position IS NULL;
CREATE TABLE event_head (newest bigint NOT NULL);
INSERT INTO event_head VALUES (0);
