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
