import { Type } from '../type.ts';
import * as t from './parts.ts';

const members = {
  ...t.each(t.text(), 'name', 'id', 'expression', 'schedule', 'timezone'),
  overlap_policy: t.oneOf(['skip', 'allow', 'cancel_previous', 'enqueue']),
  enabled: t.flag('Whether it runs.'),
  status: t.oneOf(['active', 'disabled']),
  registered_enabled: t.flag('Whether its registration wants it to run.'),
  paused_at: t.orNull(t.time('When an operator paused it.')),
  never_runs: t.flag('Enabled, with an expression that matches no time.'),
  description: t.maybe(t.text()),
  type: t.text(),
  args: t.list(t.json()),
  meta: t.mapOf(t.json()),
  options: Type.Object({ queue: t.maybe(t.text()) }, { additionalProperties: true }),
  job_template: Type.Object({ queue: t.maybe(t.text()) }, { additionalProperties: true }),
  next_run_at: t.orNull(t.time()),
  last_run_at: t.orNull(t.time()),
  run_count: t.count(),
  last_job_id: t.orNull(t.text()),
  last_job_state: t.maybe(t.orNull(t.JobState)),
  created_at: t.time(),
  updated_at: t.time(),
};
const Cron = t.named('Cron', { ...members, cron: t.text() });
export type Cron = t.Of<typeof Cron>;
const twice = { cron: Cron, cron_job: Cron };
const one = t.answer({ ...members, ...twice });

const ClockChange = t.named('ClockChange', {
  ...t.each(t.time(), 'at', 'local_before', 'local_after'),
  direction: t.oneOf(['forward', 'back']),
  skipped: t.maybe(t.list(t.text())),
  skipped_count: t.maybe(t.count()),
  repeated: t.maybe(t.list(t.text())),
  repeated_count: t.maybe(t.count()),
});
export type ClockChange = t.Of<typeof ClockChange>;
const runs = {
  expression: t.text(),
  timezone: t.text(),
  runs: t.list(t.time()),
  local_runs: t.list(t.time(), { description: 'The same in the time zone of the cron job.' }),
  clock_changes: t.list(ClockChange, { description: 'Changes of the clocks on a day with runs.' }),
};
const preview = t.object(runs);
export type CronRuns = t.Of<typeof preview>;

export const cronAnswers = {
  'cron.list': t.answer({
    crons: t.list(Cron),
    cron_jobs: t.list(Cron),
    items: t.list(Cron),
    count: t.count(),
    total: t.count(),
    pagination: t.Page,
  }),
  'cron.register': one,
  'cron.preview': t.answer(runs),
  'cron.get': one,
  'cron.update': one,
  'cron.remove': t.answer({ deleted: t.yes(), name: t.text(), ...twice }),
  'cron.runs': t.answer({ name: t.text(), enabled: t.flag(), ...runs }),
  'cron.trigger': t.answer({ job_id: t.text(), ...twice }),
  'cron.pause': one,
  'cron.resume': one,
};
