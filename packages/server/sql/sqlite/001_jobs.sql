-- Columns that guards and events read stand first, long texts last: SQLite finds a column by walking those before it.
CREATE TABLE ojs_jobs (
  number INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  claim INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  -- The line in which it waits while available: its queue's own, or the lane of its limits. Stale in other states.
  line INTEGER,
  -- Place in the line while available, else null.
  place INTEGER,
  -- The time by which a state is indexed: the start of a scheduled, retryable or pending job, the end of an active
  -- one's time, the end of a finished one. Null while available.
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
  -- JSON array of heartbeatMs, visibilityMs, laterExpiresAt, deadlineAt; null where all have their usual values.
  bounds TEXT,
  expires_at INTEGER,
  created_at INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  worker TEXT,
  trace TEXT,
  -- JSON array of the keys that limit it, a line break, index and id of its workflow with a space between; null without
  -- both.
  ties TEXT,
  unique_key TEXT,
  result TEXT,
  progress TEXT,
  checkpoint TEXT,
  history TEXT NOT NULL,
  policy TEXT,
  -- Full while the job waits, empty from the claim on: the row then does not grow on its page when worker and lease are
  -- written (commits cost a third less).
  room TEXT,
  envelope TEXT NOT NULL
) STRICT;

-- The predicates name no state that a guard could imply, so the planner never prefers one of these indexes to the key.
CREATE INDEX ojs_jobs_ready ON ojs_jobs (line, priority DESC, place) WHERE place IS NOT NULL;
CREATE INDEX ojs_jobs_due ON ojs_jobs (state, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ojs_jobs_expiry ON ojs_jobs (expires_at) WHERE expires_at IS NOT NULL AND finished_at IS NULL AND lease_until IS NULL;
CREATE INDEX ojs_jobs_dead ON ojs_jobs (finished_at) WHERE dead_letter <> 0;
-- One look-up a state finds a holder, whatever has finished under the key before.
CREATE INDEX ojs_jobs_unique ON ojs_jobs (unique_key, state, created_at) WHERE unique_key IS NOT NULL;

CREATE TABLE ojs_queues (
  name TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  -- The line of its jobs without limits.
  line INTEGER NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  -- Whether jobs have ever waited in lanes of it (see 002).
  has_lanes INTEGER NOT NULL DEFAULT 0,
  capacity INTEGER,
  config TEXT NOT NULL DEFAULT '{}',
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

-- What happened in a minute, by queue.
CREATE TABLE ojs_minutes (
  minute INTEGER NOT NULL,
  queue TEXT NOT NULL,
  enqueued INTEGER NOT NULL,
  started INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  discarded INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  wait_ms INTEGER NOT NULL,
  PRIMARY KEY (minute, queue)
) STRICT, WITHOUT ROWID;

-- One row for every operation that changed something: the log of events, a batch at a time.
CREATE TABLE ojs_events (
  position INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  entries TEXT NOT NULL
) STRICT;

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

-- What is this store's own: its seed for ever, and the last line, place in a line, and position in the log that were
-- given.
CREATE TABLE ojs_store (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seed INTEGER NOT NULL,
  line INTEGER NOT NULL,
  place INTEGER NOT NULL,
  position INTEGER NOT NULL,
  -- The last start that a rate counted: no claim is made at an earlier time.
  last_start INTEGER NOT NULL
) STRICT;
INSERT INTO ojs_store (one, seed, line, place, position, last_start) VALUES (1, abs(random()) % 65536, 0, 0, 0, 0);
