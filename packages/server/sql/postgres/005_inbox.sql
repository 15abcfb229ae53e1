-- What users' own transactions append (see src/storage/postgres/insert/inbox.ts). No unique index: it would let a second
-- transaction wait for the end of the first.
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
