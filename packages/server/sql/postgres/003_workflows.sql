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

-- Apart, so that the rows that change are short: an update writes the whole row anew.
CREATE TABLE ojs.node_specs (
  number bigint PRIMARY KEY,
  spec text NOT NULL
);

-- How many workflows are in a state is the sum of its rows; upkeep adds them up.
CREATE TABLE ojs.workflow_counts (
  state text COLLATE "C" NOT NULL,
  count integer NOT NULL
);
