-- `ojs.` is replaced by the schema. Times and durations are milliseconds; JSON is text, as sent. A state is a bit: 1
-- scheduled, 2 available, 4 pending, 8 active, 16 completed, 32 retryable, 64 cancelled, 128 discarded. A job in the
-- dead letter is a discarded one with `dead_letter`. `claim` counts the starts of a job, and fences its workers.
CREATE SEQUENCE ojs.numbers INCREMENT BY 4096 CACHE 1;

-- The constant part of a job: written once, and again only by a change that names a column of it. This row is the lock
-- of every change but heartbeats and those that only move a job from `due` to `ready` to `active` to `ended`: the
-- holder of the lock looks there in that order, and finds the job once.
CREATE TABLE ojs.jobs (
  id uuid PRIMARY KEY,
  -- Order of creation. A statement takes 4,096 numbers at once, so that its rows are numbered in their given order.
  number bigint NOT NULL,
  created_at bigint NOT NULL,
  timeout_ms bigint NOT NULL,
  heartbeat_ms bigint NOT NULL,
  visibility_ms bigint,
  -- `expires_at` counts until the first claim, `later_expires_at` from then on.
  expires_at bigint,
  later_expires_at bigint,
  deadline_at bigint,
  priority integer NOT NULL,
  node integer,
  queue text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  trace text,
  workflow text COLLATE "C",
  cron text COLLATE "C",
  unique_key text COLLATE "C",
  -- JSON array of the keys that limit it; null without.
  limits text,
  policy text,
  envelope text NOT NULL
) WITH (
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_analyze_scale_factor = 0.2
);

-- The changing part of a job: it has one row in one of the next four tables, with the values that its events need.
-- Scheduled, retryable and pending jobs.
CREATE TABLE ojs.due (
  number bigint PRIMARY KEY,
  run_at bigint NOT NULL,
  enqueued_at bigint,
  started_at bigint,
  expires_at bigint,
  -- When a job with a unique key was created.
  unique_at bigint,
  id uuid NOT NULL,
  claim integer NOT NULL,
  attempt integer NOT NULL,
  node integer,
  state smallint NOT NULL,
  lease_required boolean NOT NULL,
  -- True if it has a row in `texts`.
  texts boolean NOT NULL,
  queue text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  worker text,
  trace text,
  workflow text COLLATE "C",
  cron text COLLATE "C",
  unique_key text COLLATE "C",
  limits text,
  -- For a retryable job, the fingerprint of its last error.
  fingerprint text COLLATE "C"
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
-- The condition holds for every row. Only statements that name it, or a constant state, may use the index. Without it,
-- a look-up by number could walk the whole index: the planner takes all indexes of an empty table for equally good.
CREATE INDEX due_time ON ojs.due (state, run_at, number) WHERE state > 0;
CREATE INDEX due_expiry ON ojs.due (expires_at, number) WHERE expires_at IS NOT NULL;
CREATE INDEX due_unique ON ojs.due (unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX due_runs ON ojs.due (cron, number) WHERE cron IS NOT NULL;
-- Errors are counted from `due_errors` alone. `due_messages` finds them by message, whatever their type.
CREATE INDEX due_errors ON ojs.due (fingerprint, number) INCLUDE (queue, type) WHERE fingerprint IS NOT NULL;
CREATE INDEX due_messages ON ojs.due (left(fingerprint, 10), number) WHERE fingerprint IS NOT NULL;

-- Available jobs. `place` is their order in a ready queue: each return to it takes a new one.
CREATE TABLE ojs.ready (
  number bigint PRIMARY KEY,
  place bigint NOT NULL,
  run_at bigint NOT NULL,
  enqueued_at bigint,
  started_at bigint,
  expires_at bigint,
  unique_at bigint,
  id uuid NOT NULL,
  priority integer NOT NULL,
  claim integer NOT NULL,
  attempt integer NOT NULL,
  node integer,
  lease_required boolean NOT NULL,
  texts boolean NOT NULL,
  queue text COLLATE "C" NOT NULL,
  -- The queue in which it waits: its name; in a limit group the name, a line break and the keys of the group as JSON,
  -- or the hash of a long JSON.
  ready_queue text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  worker text,
  trace text,
  workflow text COLLATE "C",
  cron text COLLATE "C",
  unique_key text COLLATE "C",
  limits text
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX ready_order ON ojs.ready (ready_queue, priority DESC, place);
CREATE INDEX ready_expiry ON ojs.ready (expires_at, number) WHERE expires_at IS NOT NULL;
CREATE INDEX ready_unique ON ojs.ready (unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX ready_runs ON ojs.ready (cron, number) WHERE cron IS NOT NULL;

-- Active jobs.
CREATE TABLE ojs.active (
  id uuid PRIMARY KEY,
  number bigint NOT NULL,
  run_at bigint NOT NULL,
  enqueued_at bigint,
  started_at bigint,
  -- The first end of its lease and its timeouts.
  due_at bigint NOT NULL,
  lease_ms bigint NOT NULL,
  lease_until bigint NOT NULL,
  beat_at bigint,
  unique_at bigint,
  claim integer NOT NULL,
  attempt integer NOT NULL,
  node integer,
  -- True if only calls with the lease of the claim count.
  lease_required boolean NOT NULL,
  texts boolean NOT NULL,
  queue text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  worker text,
  trace text,
  workflow text COLLATE "C",
  cron text COLLATE "C",
  unique_key text COLLATE "C",
  limits text
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX active_due ON ojs.active (due_at, number);
CREATE INDEX active_unique ON ojs.active (unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX active_runs ON ojs.active (cron, number) WHERE cron IS NOT NULL;

-- Completed, cancelled and discarded jobs.
CREATE TABLE ojs.ended (
  number bigint PRIMARY KEY,
  finished_at bigint NOT NULL,
  run_at bigint NOT NULL,
  enqueued_at bigint,
  started_at bigint,
  unique_at bigint,
  id uuid NOT NULL,
  claim integer NOT NULL,
  attempt integer NOT NULL,
  state smallint NOT NULL,
  lease_required boolean NOT NULL,
  texts boolean NOT NULL,
  dead_letter boolean NOT NULL,
  queue text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  worker text,
  unique_key text COLLATE "C",
  -- For a discarded job, the fingerprint of its last error.
  fingerprint text COLLATE "C",
  -- That of the last end. After a restore, a purge of the history or a retry by hand, `texts` has it.
  result text
) WITH (
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_analyze_scale_factor = 0.2
);
-- With a condition as that of `due_time`.
CREATE INDEX ended_time ON ojs.ended (state, finished_at, number) WHERE state > 0;
CREATE INDEX ended_dead ON ojs.ended (finished_at, number) WHERE dead_letter;
CREATE INDEX ended_errors ON ojs.ended (fingerprint, finished_at, number) INCLUDE (dead_letter, queue, type)
  WHERE fingerprint IS NOT NULL;
CREATE INDEX ended_messages ON ojs.ended (left(fingerprint, 10), finished_at, number) WHERE fingerprint IS NOT NULL;
-- One look-up a state finds a holder, whatever has finished under the key before.
CREATE INDEX ended_unique ON ojs.ended (unique_key, state, unique_at, number) WHERE unique_key IS NOT NULL;

-- Texts of the few jobs that have one of these.
CREATE TABLE ojs.texts (
  number bigint PRIMARY KEY,
  result text,
  progress text,
  checkpoint text,
  history text NOT NULL DEFAULT ''
) WITH (
  -- A progress report then stays on its page.
  fillfactor = 60,
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);

-- All columns of a job, in whichever table it is.
CREATE VIEW ojs.whole AS
  SELECT job.number, job.id, state, claim, attempt, priority, run_at, enqueued_at, started_at, beat_at, finished_at,
    dead_letter, lease_ms, lease_until, timeout_ms, heartbeat_ms, deadline_at, job.queue, job.type, worker, job.trace,
    job.limits, job.workflow, job.node, lease_required, visibility_ms,
    CASE WHEN claim = 0 THEN expires_at ELSE later_expires_at END AS expires_at, later_expires_at, created_at,
    job.cron, job.unique_key,
    coalesce(stands.result, text.result) AS result, progress, checkpoint, coalesce(history, '') AS history, policy,
    envelope, place, texts
  FROM ojs.jobs AS job
  CROSS JOIN LATERAL (
    SELECT 2::smallint AS state, claim, attempt, run_at, enqueued_at, started_at, NULL::bigint AS beat_at,
      NULL::bigint AS finished_at, false AS dead_letter,
      NULL::bigint AS lease_ms, NULL::bigint AS lease_until, worker, lease_required, NULL::text AS result, place, texts
    FROM ojs.ready WHERE ready.number = job.number
    UNION ALL
    SELECT state, claim, attempt, run_at, enqueued_at, started_at, NULL, NULL, false, NULL, NULL, worker,
      lease_required, NULL, NULL, texts
    FROM ojs.due WHERE due.number = job.number
    UNION ALL
    SELECT 8::smallint, claim, attempt, run_at, enqueued_at, started_at, beat_at, NULL, false, lease_ms, lease_until,
      worker, lease_required, NULL, NULL, texts
    FROM ojs.active WHERE active.id = job.id
    UNION ALL
    SELECT state, claim, attempt, run_at, enqueued_at, started_at, NULL, finished_at, dead_letter, NULL, NULL, worker,
      lease_required, result, NULL, texts
    FROM ojs.ended WHERE ended.number = job.number
  ) AS stands
  -- A plain join may be planned while `texts` is empty, and would read all of it later.
  LEFT JOIN LATERAL (SELECT * FROM ojs.texts WHERE number = job.number AND stands.texts LIMIT 1) AS text ON true;

-- The settings that an operator made for a queue, and each queue of a restore. Others have none: a queue is there while
-- it has a row here or counts.
CREATE TABLE ojs.queues (
  name text COLLATE "C" PRIMARY KEY,
  created_at bigint NOT NULL,
  paused boolean NOT NULL DEFAULT false,
  capacity integer,
  config text NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 0
);

-- Jobs by queue and state: every transaction appends what it changed, readers add up, upkeep replaces many rows by
-- their sum.
CREATE TABLE ojs.counts (
  number bigint GENERATED BY DEFAULT AS IDENTITY,
  -- That of a queue's first row is when the queue came.
  at bigint NOT NULL,
  scheduled integer NOT NULL,
  available integer NOT NULL,
  pending integer NOT NULL,
  active integer NOT NULL,
  completed integer NOT NULL,
  retryable integer NOT NULL,
  cancelled integer NOT NULL,
  discarded integer NOT NULL,
  dead_letter integer NOT NULL,
  queue text COLLATE "C" NOT NULL,
  PRIMARY KEY (queue, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- Figures of a minute, by queue and type; the same way. A code represents a bucket of durations (core's `codeOf`).
CREATE TABLE ojs.minutes (
  number bigint GENERATED ALWAYS AS IDENTITY,
  minute bigint NOT NULL,
  duration_ms bigint NOT NULL DEFAULT 0,
  discarded_ms bigint NOT NULL DEFAULT 0,
  cancelled_ms bigint NOT NULL DEFAULT 0,
  wait_ms bigint NOT NULL DEFAULT 0,
  wait_again_ms bigint NOT NULL DEFAULT 0,
  enqueued integer NOT NULL DEFAULT 0,
  started integer NOT NULL DEFAULT 0,
  completed integer NOT NULL DEFAULT 0,
  failed integer NOT NULL DEFAULT 0,
  retried integer NOT NULL DEFAULT 0,
  discarded integer NOT NULL DEFAULT 0,
  cancelled integer NOT NULL DEFAULT 0,
  expired integer NOT NULL DEFAULT 0,
  queue text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  codes smallint[],
  -- How often each code; null: once.
  counts integer[],
  PRIMARY KEY (minute, queue, type, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- One row for every transaction that logged events: the log, a batch at a time. A reader gives a batch its position
-- once it is committed, so that positions follow visibility.
CREATE TABLE ojs.events (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  position bigint,
  at bigint NOT NULL,
  count integer NOT NULL,
  entries text NOT NULL,
  -- A bit for each kind of event in the batch that is not a common one (core's eventKinds); null without one.
  rare bigint
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX events_position ON ojs.events (position) WHERE position IS NOT NULL;
CREATE INDEX events_rare ON ojs.events (position, rare) WHERE rare IS NOT NULL AND position IS NOT NULL;
CREATE INDEX events_unnumbered ON ojs.events (number) WHERE position IS NULL;

-- The jobs that a fetch got, for a repeat of it.
CREATE TABLE ojs.requests (
  number bigint GENERATED ALWAYS AS IDENTITY,
  request text COLLATE "C" PRIMARY KEY,
  at bigint NOT NULL,
  -- The jobs that it got, and their claims.
  ids uuid[] NOT NULL,
  claims integer[] NOT NULL
);
CREATE INDEX requests_at ON ojs.requests (at, number);
-- LZ4 takes a sixth of the time of the default. A server that was built without it, or is older than 14, keeps the
-- default.
DO $$ BEGIN
  EXECUTE 'ALTER TABLE ojs.events ALTER COLUMN entries SET COMPRESSION lz4';
  EXECUTE 'ALTER TABLE ojs.requests ALTER COLUMN ids SET COMPRESSION lz4, ALTER COLUMN claims SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL;
END $$;

-- Who does which task of upkeep, until when. The lease of a job is in `active`.
CREATE TABLE ojs.leases (
  name text COLLATE "C" PRIMARY KEY,
  holder text NOT NULL,
  until bigint NOT NULL
);

-- The store's own values: its seed and the secret of its leases for ever, the last position of the log that was given,
-- the last start that a rate counted.
CREATE TABLE ojs.store (
  seed integer NOT NULL,
  position bigint NOT NULL,
  last_start bigint NOT NULL,
  lease_key text NOT NULL DEFAULT md5(gen_random_uuid()::text)
);
INSERT INTO ojs.store (seed, position, last_start) VALUES (floor(random() * 65536), 0, 0);

CREATE TABLE ojs.limits (
  key text COLLATE "C" PRIMARY KEY,
  -- JSON texts of numbers: as the newest job gave them, and as an operator overrides them.
  own text NOT NULL,
  override text,
  active integer NOT NULL,
  waiting integer NOT NULL,
  -- Jobs that name it, finished ones too.
  jobs integer NOT NULL,
  -- Starts that the log has numbered, and when the last of them was.
  started bigint NOT NULL,
  last_start bigint NOT NULL,
  -- When its rates let the next start pass.
  reopens_at bigint NOT NULL,
  used_at bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0);
CREATE INDEX limits_used ON ojs.limits (used_at) WHERE jobs = 0;
CREATE INDEX limits_reopens ON ojs.limits (reopens_at) WHERE reopens_at > 0;

-- Only the holder of the limits lock writes limits and limit groups; all others append their changes here.
CREATE TABLE ojs.limit_changes (
  number bigint GENERATED ALWAYS AS IDENTITY,
  key text COLLATE "C" NOT NULL,
  waiting integer NOT NULL,
  active integer NOT NULL,
  jobs integer NOT NULL,
  own text,
  used_at bigint NOT NULL,
  PRIMARY KEY (key, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
-- Changes are merged in pages: the oldest of limits, and of limit groups those that matter first in their queue.
CREATE INDEX limit_changes_oldest ON ojs.limit_changes (number);
CREATE TABLE ojs.limit_group_changes (
  number bigint GENERATED ALWAYS AS IDENTITY,
  ready_queue text COLLATE "C" NOT NULL,
  queue text COLLATE "C" NOT NULL,
  keys text NOT NULL,
  -- The best job that came into the group.
  priority integer NOT NULL,
  place bigint NOT NULL,
  PRIMARY KEY (queue, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX limit_group_changes_first ON ojs.limit_group_changes (queue, priority DESC, place);

-- The log of starts under a key that has a rate: start n is free when start n - count is old enough, one look-up a rate
-- whatever its count.
CREATE TABLE ojs.starts (
  key text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (key, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- A limit group: the available jobs of one queue that name the same set of limit keys. A row exists while such a job
-- waits.
CREATE TABLE ojs.limit_groups (
  ready_queue text COLLATE "C" PRIMARY KEY,
  queue text COLLATE "C" NOT NULL,
  -- JSON array of its keys, sorted.
  keys text NOT NULL,
  -- The waitlist that has the group: one of its keys.
  waitlist text COLLATE "C" NOT NULL,
  -- Its first job.
  priority integer NOT NULL,
  place bigint NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0);
CREATE INDEX limit_groups_waitlist ON ojs.limit_groups (queue, waitlist, priority DESC, place);

-- The keys of every limit group: shows whether jobs wait under a key.
CREATE TABLE ojs.limit_group_keys (
  key text COLLATE "C" NOT NULL,
  queue text COLLATE "C" NOT NULL,
  ready_queue text COLLATE "C" NOT NULL,
  PRIMARY KEY (key, queue, ready_queue)
);

-- The limit groups of a queue are in waitlists by key. A claim looks at open waitlists only, so a closed key costs it
-- nothing, however many groups wait under it.
CREATE TABLE ojs.waitlists (
  queue text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  -- The first job of its groups.
  priority integer NOT NULL,
  place bigint NOT NULL,
  -- Null while open; else when the rates of the key open it again, the largest number where a slot must be freed first.
  until bigint,
  PRIMARY KEY (key, queue)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0);
CREATE INDEX waitlists_open ON ojs.waitlists (queue, priority DESC, place) WHERE until IS NULL;
CREATE INDEX waitlists_closed ON ojs.waitlists (queue, until) WHERE until IS NOT NULL;

-- Every change of a workflow or of a node of it is made under the lock of the workflow's row: see
-- src/storage/postgres/workflows/graph.ts.
CREATE TABLE ojs.workflows (
  -- Order of creation.
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  state text COLLATE "C" NOT NULL,
  -- Rows of nodes, members and others.
  nodes integer NOT NULL,
  total integer NOT NULL,
  completed integer NOT NULL DEFAULT 0,
  failed integer NOT NULL DEFAULT 0,
  cancelled integer NOT NULL DEFAULT 0,
  sweeping boolean NOT NULL DEFAULT false,
  created_at bigint NOT NULL,
  finished_at bigint,
  name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  "end" text,
  spec text NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
-- None of the indexes has the counts in it, so that a row that is written once a batch stays on its page.
CREATE INDEX workflows_state ON ojs.workflows (state, number);
CREATE INDEX workflows_finished ON ojs.workflows (finished_at, number) WHERE finished_at IS NOT NULL AND NOT sweeping;
CREATE INDEX workflows_sweeping ON ojs.workflows (number) WHERE sweeping;

-- A node is numbered by its workflow's number times 2^20, plus its index: with one column as the key every plan finds
-- it by one look-up. Beside a key of two the planner took the first alone, and read the 10,000 nodes of a group once
-- for each of them.
CREATE TABLE ojs.nodes (
  number bigint PRIMARY KEY,
  state text COLLATE "C" NOT NULL DEFAULT 'waiting',
  open integer NOT NULL,
  failed integer NOT NULL DEFAULT 0,
  member boolean NOT NULL,
  -- It waits for nothing but core's decision, and its workflow runs. The one indexed fact: all other changes are
  -- updates within the page.
  ready boolean NOT NULL,
  closed_at bigint,
  name text COLLATE "C" NOT NULL,
  job uuid,
  -- The indexes that depend on it.
  next integer[] NOT NULL,
  result text,
  error text
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX nodes_ready ON ojs.nodes (number) WHERE ready;

-- The columns are apart so that the rows that change are short: an update rewrites the whole row.
CREATE TABLE ojs.node_specs (
  number bigint PRIMARY KEY,
  spec text NOT NULL
);

-- How many workflows are in a state is the sum of its rows; upkeep adds them up.
CREATE TABLE ojs.workflow_counts (
  state text COLLATE "C" NOT NULL,
  count integer NOT NULL
);

CREATE TABLE ojs.crons (
  name text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  enabled boolean NOT NULL,
  due_at bigint,
  run_count bigint NOT NULL,
  last_run_at bigint,
  last_job text COLLATE "C",
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  spec text NOT NULL
);
CREATE INDEX crons_due ON ojs.crons (due_at, name) WHERE enabled AND due_at IS NOT NULL;

CREATE TABLE ojs.documents (
  kind text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (kind, key)
);

CREATE TABLE ojs.audit (
  id uuid PRIMARY KEY,
  entry text NOT NULL
);

CREATE TABLE ojs.workers (
  worker text COLLATE "C" PRIMARY KEY,
  seen_at bigint NOT NULL,
  seen_before bigint,
  state text COLLATE "C" NOT NULL,
  directive text COLLATE "C",
  info text NOT NULL,
  -- JSON arrays of job ids.
  holds text,
  held_before text
) WITH (fillfactor = 60);

-- Rows that users' own transactions append (see src/storage/postgres/insert/inbox.ts). No unique index: it would let a
-- second transaction wait for the end of the first.
CREATE TABLE ojs.inbox (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL,
  request text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX inbox_id ON ojs.inbox (id);

CREATE TABLE ojs.inbox_completions (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL,
  claim integer NOT NULL,
  result text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX inbox_completions_id ON ojs.inbox_completions (id);
