-- A cron is a record under its name. One that will fire has a second record, whose key begins with the time of that.
INSERT INTO ojs_records (kind, key, version, created_at, updated_at, body)
  SELECT 'cron', name, version, created_at, updated_at,
    json_object('spec', spec, 'enabled', json(iif(enabled, 'true', 'false')), 'dueAt', due_at, 'runCount', run_count,
      'lastRunAt', last_run_at, 'lastJob', last_job)
  FROM ojs_crons;

INSERT INTO ojs_records (kind, key, version, created_at, updated_at, body)
  SELECT 'cron_due', printf('%016d', due_at) || name, version, created_at, updated_at, 'null'
  FROM ojs_crons WHERE enabled AND due_at IS NOT NULL;

DROP TABLE ojs_crons;
