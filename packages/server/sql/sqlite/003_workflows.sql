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
  -- Nodes that wait for nothing but core's decision.
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

-- Apart, so that the rows that change are short: a hundred that end together are on two pages.
CREATE TABLE ojs_node_specs (
  number INTEGER PRIMARY KEY,
  spec TEXT NOT NULL
) STRICT;
