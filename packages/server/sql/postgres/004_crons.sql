-- A cron is a record under its name. One that will fire has a second record, whose key begins with the time of that.
INSERT INTO ojs.records
  SELECT 'cron', name, version, created_at, updated_at,
    json_build_object('spec', spec, 'enabled', enabled, 'dueAt', due_at, 'runCount', run_count,
      'lastRunAt', last_run_at, 'lastJob', last_job)::text
  FROM ojs.crons;

INSERT INTO ojs.records
  SELECT 'cron_due', lpad(due_at::text, 16, '0') || name, version, created_at, updated_at, 'null'
  FROM ojs.crons WHERE enabled AND due_at IS NOT NULL;

DROP INDEX ojs.crons_due;
DROP TABLE ojs.crons;
