-- The first layout. A change of the layout is a further file and only adds: a column with a default, a table, an index.
-- So servers of the layout before can keep running next to new ones.

-- Columns that guards and events read are first, long texts last: SQLite reads a row from its first column on.
CREATE TABLE ojs_jobs (
  number INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  claim INTEGER NOT NULL,
  -- 1 where only calls with the lease of the claim count.
  lease_required INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  -- The ready queue of an available job: its queue's own, or that of its limit group. Stale in other states.
  ready_queue INTEGER,
  -- The place of an available job in its ready queue, else null.
  place INTEGER,
  -- When a scheduled, retryable or pending job is to start, and when an active job is overdue. Null for others.
  due_at INTEGER,
  run_at INTEGER NOT NULL,
  enqueued_at INTEGER,
  started_at INTEGER,
  beat_at INTEGER,
  finished_at INTEGER,
  dead_letter INTEGER NOT NULL,
  lease_ms INTEGER,
  lease_until INTEGER,
  timeout_ms INTEGER NOT NULL,
  -- JSON array of heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt; null if all have their defaults.
  bounds TEXT,
  expires_at INTEGER,
  created_at INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  worker TEXT,
  trace TEXT,
  -- JSON array of its limit keys, a line break, index in and id of its workflow with a space between; null without
  -- both.
  ties TEXT,
  unique_key TEXT,
  -- The name of the cron that made the job.
  cron TEXT,
  -- That of its last error, while the job is retryable or discarded. A statement that changes the state of such a job
  -- names this column: triggers count by it.
  fingerprint TEXT,
  result TEXT,
  progress TEXT,
  checkpoint TEXT,
  history TEXT NOT NULL,
  policy TEXT,
  -- 84 bytes while the job waits, null from the claim on: the row does not grow on its page when worker and lease are
  -- written, so a commit costs a third less.
  padding TEXT,
  envelope TEXT NOT NULL
) STRICT;

-- No predicate names a state that a guard could imply, so the planner never prefers one of these indexes to the key.
CREATE INDEX ojs_jobs_ready ON ojs_jobs (ready_queue, priority DESC, place) WHERE place IS NOT NULL;
CREATE INDEX ojs_jobs_due ON ojs_jobs (state, due_at) WHERE due_at IS NOT NULL;
-- With queue and type, so that a list of the few ended jobs of one queue or type reads no rows of the others: 0.1 µs
-- for a job that it passes, in place of 1.2 µs.
CREATE INDEX ojs_jobs_ended ON ojs_jobs (state, finished_at, number, queue, type) WHERE finished_at IS NOT NULL;
CREATE INDEX ojs_jobs_expiry ON ojs_jobs (expires_at)
  WHERE expires_at IS NOT NULL AND finished_at IS NULL AND lease_until IS NULL;
CREATE INDEX ojs_jobs_dead ON ojs_jobs (finished_at) WHERE dead_letter <> 0;
CREATE INDEX ojs_jobs_runs ON ojs_jobs (cron, number) WHERE cron IS NOT NULL AND finished_at IS NULL;
-- Discarded jobs outside the dead letter, which have a retention of their own.
CREATE INDEX ojs_jobs_discarded ON ojs_jobs (finished_at) WHERE state = 128 AND dead_letter = 0;
-- One look-up a state finds a holder, however many jobs have finished under the key.
CREATE INDEX ojs_jobs_unique ON ojs_jobs (unique_key, state, created_at) WHERE unique_key IS NOT NULL;
-- A retryable job has no finished_at, so its entries go by number.
CREATE INDEX ojs_jobs_errors ON ojs_jobs (fingerprint, state, finished_at) WHERE fingerprint IS NOT NULL;
-- The message alone, whatever the type of the error.
CREATE INDEX ojs_jobs_messages ON ojs_jobs (substr(fingerprint, 1, 10), state, finished_at)
  WHERE fingerprint IS NOT NULL;

-- Jobs by fingerprint: as many rows as there are kinds of errors, however many jobs failed.
CREATE TABLE ojs_errors (
  fingerprint TEXT NOT NULL,
  state INTEGER NOT NULL,
  dead_letter INTEGER NOT NULL,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  jobs INTEGER NOT NULL,
  PRIMARY KEY (fingerprint, state, dead_letter, queue, type)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER ojs_errors_enter AFTER UPDATE OF fingerprint ON ojs_jobs WHEN new.fingerprint IS NOT NULL BEGIN
  INSERT INTO ojs_errors (fingerprint, state, dead_letter, queue, type, jobs)
    VALUES (new.fingerprint, new.state, new.dead_letter, new.queue, new.type, 1)
    ON CONFLICT (fingerprint, state, dead_letter, queue, type) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER ojs_errors_leave AFTER UPDATE OF fingerprint ON ojs_jobs WHEN old.fingerprint IS NOT NULL BEGIN
  UPDATE ojs_errors SET jobs = jobs - 1 WHERE (fingerprint, state, dead_letter, queue, type)
    = (old.fingerprint, old.state, old.dead_letter, old.queue, old.type);
  DELETE FROM ojs_errors WHERE (fingerprint, state, dead_letter, queue, type)
    = (old.fingerprint, old.state, old.dead_letter, old.queue, old.type) AND jobs = 0;
END;
CREATE TRIGGER ojs_errors_remove AFTER DELETE ON ojs_jobs WHEN old.fingerprint IS NOT NULL BEGIN
  UPDATE ojs_errors SET jobs = jobs - 1 WHERE (fingerprint, state, dead_letter, queue, type)
    = (old.fingerprint, old.state, old.dead_letter, old.queue, old.type);
  DELETE FROM ojs_errors WHERE (fingerprint, state, dead_letter, queue, type)
    = (old.fingerprint, old.state, old.dead_letter, old.queue, old.type) AND jobs = 0;
END;

-- The queues and types that the jobs of a segment, 4096 consecutive numbers, may have: a list skips the segments of
-- others. A transaction that inserts jobs reads the row of their segment, and writes a name only once; an index by type
-- would cost each job two entries.
CREATE TABLE ojs_segments (
  -- segment % 4096: a newer segment takes the row of an old one. A segment without a row may have any job.
  slot INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  -- A line for each: q:<queue> or t:<type>, with a line break before the first. Empty where they are too many.
  names TEXT NOT NULL
) STRICT;

CREATE TABLE ojs_queues (
  name TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  -- The ready queue of its jobs without limits.
  ready_queue INTEGER NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  -- True if it ever had a row in ojs_limit_groups.
  has_limit_groups INTEGER NOT NULL DEFAULT 0,
  capacity INTEGER,
  config TEXT NOT NULL DEFAULT '{}',
  -- +1 with every configuration, so that of two operators at once the second is refused.
  version INTEGER NOT NULL DEFAULT 0,
  scheduled INTEGER NOT NULL DEFAULT 0,
  available INTEGER NOT NULL DEFAULT 0,
  pending INTEGER NOT NULL DEFAULT 0,
  active INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  retryable INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  discarded INTEGER NOT NULL DEFAULT 0,
  dead_letter INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Statistics by minute, queue and type.
CREATE TABLE ojs_minutes (
  minute INTEGER NOT NULL,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  enqueued INTEGER NOT NULL,
  started INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  retried INTEGER NOT NULL,
  discarded INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  discarded_ms INTEGER NOT NULL,
  cancelled_ms INTEGER NOT NULL,
  wait_ms INTEGER NOT NULL,
  wait_again_ms INTEGER NOT NULL,
  -- Codes of durations, each with its count where that is not 1: ' 131 12x3'. A commit appends its own.
  histogram TEXT NOT NULL,
  PRIMARY KEY (minute, queue, type)
) STRICT, WITHOUT ROWID;

-- The event log: one batch of events for each operation that changed something.
CREATE TABLE ojs_events (
  position INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  entries TEXT NOT NULL,
  -- A bit for each kind of event in the batch that is not a common one (core's eventKinds); null without one.
  rare INTEGER
) STRICT;
CREATE INDEX ojs_events_rare ON ojs_events (position, rare) WHERE rare IS NOT NULL;

CREATE TABLE ojs_requests (
  number INTEGER PRIMARY KEY,
  request TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  -- JSON array of [job id, claim].
  claims TEXT NOT NULL
) STRICT;

CREATE TABLE ojs_workers (
  worker TEXT PRIMARY KEY,
  seen_at INTEGER NOT NULL,
  seen_before INTEGER,
  state TEXT NOT NULL,
  directive TEXT,
  info TEXT NOT NULL,
  -- JSON arrays of job ids.
  holds TEXT,
  held_before TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE ojs_leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The seed of this store, the secret that its leases are made with, and the last numbers given away: of a ready queue,
-- a place in one, a position in the event log.
CREATE TABLE ojs_store (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seed INTEGER NOT NULL,
  lease_key TEXT NOT NULL,
  ready_queue INTEGER NOT NULL,
  place INTEGER NOT NULL,
  position INTEGER NOT NULL,
  -- The last start that a rate counted. Claims with an earlier time get this one.
  last_start INTEGER NOT NULL,
  -- The digest of the files that made this layout.
  layout_sum TEXT
) STRICT;
INSERT INTO ojs_store (one, seed, lease_key, ready_queue, place, position, last_start)
  VALUES (1, abs(random()) % 65536, lower(hex(randomblob(16))), 0, 0, 0, 0);

CREATE TABLE ojs_limits (
  key TEXT PRIMARY KEY,
  -- JSON texts of numbers: those of the newest job, and an operator's override.
  own TEXT NOT NULL,
  override TEXT,
  active INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  -- The number and the time of the last row in ojs_starts.
  started INTEGER NOT NULL,
  last_start INTEGER NOT NULL,
  -- Jobs that name the key, finished ones too, and when one last came or started: an old key without jobs is deleted.
  jobs INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ojs_limits_idle ON ojs_limits (used_at, key)
  WHERE jobs <= 0 AND active = 0 AND waiting = 0 AND override IS NULL AND key NOT GLOB 'queue:*';

-- Starts under keys with a rate. Start n may happen once start n - count is old enough: one look-up for any count.
CREATE TABLE ojs_starts (
  key TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (key, number)
) STRICT, WITHOUT ROWID;

-- A limit group: the available jobs of one queue that name the same set of keys. A row exists while such a job waits.
CREATE TABLE ojs_limit_groups (
  ready_queue INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  -- JSON array of its keys, sorted.
  keys TEXT NOT NULL,
  -- The priority of its first job.
  priority INTEGER NOT NULL,
  place INTEGER NOT NULL,
  -- One of its keys. If groups of a queue are assigned to one key, only the best of them is open.
  assigned_key TEXT NOT NULL,
  -- A claim looks at open groups only. While the assigned key is closed no group has to be open.
  open INTEGER NOT NULL,
  UNIQUE (queue, keys)
) STRICT;
CREATE INDEX ojs_limit_groups_open ON ojs_limit_groups (queue, priority DESC, place) WHERE open <> 0;
CREATE INDEX ojs_limit_groups_key ON ojs_limit_groups (assigned_key, queue, open, priority DESC, place);

-- The keys of every limit group: shows whether jobs wait under a key.
CREATE TABLE ojs_limit_group_keys (
  key TEXT NOT NULL,
  queue TEXT NOT NULL,
  ready_queue INTEGER NOT NULL,
  PRIMARY KEY (key, queue, ready_queue)
) STRICT, WITHOUT ROWID;

-- When the rate of a key, under which jobs of the queue wait, lets one of them start.
CREATE TABLE ojs_rate_timers (
  key TEXT NOT NULL,
  queue TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (key, queue)
) STRICT, WITHOUT ROWID;
CREATE INDEX ojs_rate_timers_at ON ojs_rate_timers (queue, at);

CREATE TABLE ojs_workflows (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  -- Its nodes are the rows first_node + index, up to last_node.
  first_node INTEGER NOT NULL,
  last_node INTEGER NOT NULL,
  state TEXT NOT NULL,
  total INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  -- Nodes with no open dependency, which wait for the engine.
  ready INTEGER NOT NULL,
  sweeping INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  "end" TEXT,
  spec TEXT NOT NULL
) STRICT;
CREATE INDEX ojs_workflows_state ON ojs_workflows (state);
CREATE INDEX ojs_workflows_finished ON ojs_workflows (finished_at) WHERE finished_at IS NOT NULL AND sweeping = 0;
CREATE INDEX ojs_workflows_ready ON ojs_workflows (number) WHERE ready > 0 AND finished_at IS NULL;
CREATE INDEX ojs_workflows_sweeping ON ojs_workflows (number) WHERE sweeping <> 0;

CREATE TABLE ojs_workflow_counts (
  state TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ojs_nodes (
  number INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  open INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  member INTEGER NOT NULL,
  closed_at INTEGER,
  name TEXT NOT NULL,
  job TEXT,
  -- JSON array of the indexes that depend on it.
  next TEXT NOT NULL,
  result TEXT,
  error TEXT
) STRICT;

-- In a table of its own, so that the rows that change are short: a hundred nodes that end together are on two pages.
CREATE TABLE ojs_node_specs (
  number INTEGER PRIMARY KEY,
  spec TEXT NOT NULL
) STRICT;

CREATE TABLE ojs_crons (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  due_at INTEGER,
  run_count INTEGER NOT NULL,
  last_run_at INTEGER,
  last_job TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  spec TEXT NOT NULL
) STRICT;
CREATE INDEX ojs_crons_due ON ojs_crons (due_at, name) WHERE enabled <> 0 AND due_at IS NOT NULL;

CREATE TABLE ojs_documents (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT;

CREATE TABLE ojs_audit (
  id TEXT PRIMARY KEY,
  entry TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Rows that transactions of users append (see src/storage/sqlite/inbox.ts).
CREATE TABLE ojs_inbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  request TEXT NOT NULL
) STRICT;
CREATE INDEX ojs_inbox_id ON ojs_inbox (id);

CREATE TABLE ojs_inbox_completions (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  claim INTEGER NOT NULL,
  result TEXT
) STRICT;
CREATE INDEX ojs_inbox_completions_id ON ojs_inbox_completions (id);
