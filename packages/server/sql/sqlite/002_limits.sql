CREATE TABLE ojs_limits (
  key TEXT PRIMARY KEY,
  -- JSON texts of numbers: as the newest job gave them, and as an operator overrides them.
  own TEXT NOT NULL,
  override TEXT,
  active INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  -- Starts that the log has numbered, and when the last of them was.
  started INTEGER NOT NULL,
  last_start INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The log of starts under a key that has a rate: start n is free when start n - count is old enough, one look-up a rate
-- whatever its count.
CREATE TABLE ojs_starts (
  key TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (key, number)
) STRICT, WITHOUT ROWID;

-- The jobs of one queue with the same set of limit keys wait in one lane. It exists while a job waits in it.
CREATE TABLE ojs_lanes (
  line INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  -- JSON array of its keys, sorted.
  keys TEXT NOT NULL,
  -- Its first job.
  priority INTEGER NOT NULL,
  place INTEGER NOT NULL,
  -- One of its keys: lanes of a queue stand in groups by key, and only the best lane of a group is open.
  key TEXT NOT NULL,
  -- A claim looks at open lanes only. While the key is closed none of its group has to be open.
  open INTEGER NOT NULL,
  UNIQUE (queue, keys)
) STRICT;
CREATE INDEX ojs_lanes_open ON ojs_lanes (queue, priority DESC, place) WHERE open <> 0;
CREATE INDEX ojs_lanes_group ON ojs_lanes (key, queue, open, priority DESC, place);

-- The keys of every lane, to know whether jobs wait under one.
CREATE TABLE ojs_lane_keys (
  key TEXT NOT NULL,
  queue TEXT NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (key, queue, line)
) STRICT, WITHOUT ROWID;

-- When the rate of a key, under which jobs of the queue wait, lets one of them start.
CREATE TABLE ojs_alarms (
  key TEXT NOT NULL,
  queue TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (key, queue)
) STRICT, WITHOUT ROWID;
CREATE INDEX ojs_alarms_at ON ojs_alarms (queue, at);
