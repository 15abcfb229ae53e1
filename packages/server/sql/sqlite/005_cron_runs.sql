-- The cron whose run the job is. What a cron ran last before this layout is known by its row.
ALTER TABLE ojs_jobs ADD COLUMN cron TEXT;
UPDATE ojs_jobs SET cron = ojs_crons.name FROM ojs_crons WHERE ojs_crons.last_job = ojs_jobs.id;
CREATE INDEX ojs_jobs_runs ON ojs_jobs (cron, number) WHERE cron IS NOT NULL AND finished_at IS NULL;

-- What two operators who configure a queue at once compare.
ALTER TABLE ojs_queues ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- Jobs that name the key, finished ones too, and when one last came or started: a key goes when it has none and is old.
-- A row that older code makes counts one too many, so it stays.
ALTER TABLE ojs_limits ADD COLUMN jobs INTEGER NOT NULL DEFAULT 1;
ALTER TABLE ojs_limits ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
UPDATE ojs_limits SET jobs = 0, used_at = last_start;
UPDATE ojs_limits SET jobs = counted.jobs, used_at = max(used_at, counted.at) FROM (
  SELECT name.value AS key, count(*) AS jobs, max(coalesce(started_at, created_at)) AS at
  FROM ojs_jobs, json_each(substr(ties, 1, instr(ties, char(10)) - 1)) AS name
  WHERE ties IS NOT NULL AND instr(ties, char(10)) > 1
  GROUP BY name.value
) AS counted WHERE counted.key = ojs_limits.key;
CREATE INDEX ojs_limits_idle ON ojs_limits (used_at, key) WHERE jobs <= 0 AND active = 0 AND waiting = 0 AND override IS NULL AND key NOT GLOB 'queue:*';

-- Discarded jobs that are not in the dead letter: the two have retentions of their own.
CREATE INDEX ojs_jobs_discarded ON ojs_jobs (finished_at) WHERE state = 128 AND dead_letter = 0;
