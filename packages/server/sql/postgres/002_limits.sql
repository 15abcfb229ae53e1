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
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX limits_used ON ojs.limits (used_at) WHERE jobs = 0;
CREATE INDEX limits_reopens ON ojs.limits (reopens_at) WHERE reopens_at > 0;

-- Limits and lanes are written by whoever has their lock; all others append here what has changed meanwhile.
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
CREATE TABLE ojs.lane_changes (
  number bigint GENERATED ALWAYS AS IDENTITY,
  line text COLLATE "C" NOT NULL,
  queue text COLLATE "C" NOT NULL,
  keys text NOT NULL,
  PRIMARY KEY (queue, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- The log of starts under a key that has a rate: start n is free when start n - count is old enough, one look-up a rate
-- whatever its count.
CREATE TABLE ojs.starts (
  key text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (key, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- The jobs of one queue with the same set of limit keys wait in one lane. It exists while a job waits in it.
CREATE TABLE ojs.lanes (
  line text COLLATE "C" PRIMARY KEY,
  queue text COLLATE "C" NOT NULL,
  -- JSON array of its keys, sorted.
  keys text NOT NULL,
  -- The group that it stands in: one of its keys.
  key text COLLATE "C" NOT NULL,
  -- Its first job.
  priority integer NOT NULL,
  place bigint NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lanes_group ON ojs.lanes (queue, key, priority DESC, place);

-- The keys of every lane, to know whether jobs wait under one.
CREATE TABLE ojs.lane_keys (
  key text COLLATE "C" NOT NULL,
  queue text COLLATE "C" NOT NULL,
  line text COLLATE "C" NOT NULL,
  PRIMARY KEY (key, queue, line)
);

-- Lanes of a queue stand in groups by key. A claim looks at open groups only, so a closed key costs it nothing, however
-- many lanes wait under it.
CREATE TABLE ojs.groups (
  queue text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  -- The first job of its lanes.
  priority integer NOT NULL,
  place bigint NOT NULL,
  -- Null while open; else when the rates of the key open it again, the largest number where a slot must be freed first.
  until bigint,
  PRIMARY KEY (key, queue)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX groups_open ON ojs.groups (queue, priority DESC, place) WHERE until IS NULL;
CREATE INDEX groups_closed ON ojs.groups (queue, until) WHERE until IS NOT NULL;
