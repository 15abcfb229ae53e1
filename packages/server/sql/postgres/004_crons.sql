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
