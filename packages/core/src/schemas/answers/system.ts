import { Type } from '../type.ts';
import * as t from './parts.ts';
import { JobCounts, Percentiles, Throughput } from './queues.ts';
import { workerSummary } from './workers.ts';

const Extension = t.named('Extension', { name: t.text(), uri: t.text(), version: t.text() });
const Kept = t.named('Retention', { max_age: t.duration(), max_count: t.count() });

const HealthCheck = t.named('HealthCheck', {
  status: t.oneOf(['pass', 'fail']),
  reason: t.maybe(t.text()),
  message: t.maybe(t.text()),
  since: t.maybe(t.time('Since when it fails, if the server knows.')),
});
const Health = t.answer({
  status: t.oneOf(['ok', 'degraded']),
  version: t.text(),
  server_version: t.text(),
  uptime_seconds: t.count(),
  backend: t.object({
    type: t.text(),
    status: t.oneOf(['connected', 'disconnected']),
    latency_ms: t.number(),
    moved_at: t.maybe(t.time()),
  }),
  checks: t.mapOf(HealthCheck),
  maintenance: t.maybe(t.yes()),
  inbox_depth: t.maybe(t.count()),
});
export type Health = t.Of<typeof Health>;

const Finding = t.named('Finding', {
  code: t.text(),
  severity: t.oneOf(['error', 'warning']),
  message: t.text(),
  remedy: t.text('A sentence or a command.'),
  docs_url: t.text('The page about this finding.'),
});
export type Finding = t.Of<typeof Finding>;

const Setting = t.named('Setting', {
  value: Type.Union([t.text(), t.number(), t.flag(), Type.Null(), t.list(t.text())]),
  origin: t.oneOf(['option', 'environment', 'default']),
  variable: t.text(),
});
export type Setting = t.Of<typeof Setting>;
const Configuration = t.answer({
  ...t.each(t.text(), 'version', 'backend', 'durability'),
  engine: t.object({
    visibility_timeout: t.duration(),
    dead_after: t.duration(),
    require_lease: t.flag(),
    poison_after: t.orNull(t.count()),
    paused_queues: t.text(),
  }),
  settings: t.maybe(t.mapOf(Setting)),
});
export type Configuration = t.Of<typeof Configuration>;
const maintenance = t.answer({
  maintenance: t.flag(),
  reason: t.orNull(t.text()),
  enabled_at: t.orNull(t.time()),
  estimated_end: t.orNull(t.time()),
});

const Statistics = t.answer({
  ...t.each(t.count(), 'queues', 'paused_queues', 'workers'),
  workers_by_state: workerSummary,
  jobs: JobCounts,
  oldest_available_at: t.orNull(t.time()),
  throughput: Throughput,
  latency_ms: Percentiles,
  duration_ms: Percentiles,
  ...t.each(t.count(), 'completed_last_hour', 'failed_last_hour', 'uptime_seconds'),
});
export type Statistics = t.Of<typeof Statistics>;

const HistoryPoint = t.named('HistoryPoint', {
  timestamp: t.time(),
  ...t.each(t.count(), 'processed', 'failed', 'enqueued', 'started', 'retried', 'discarded', 'cancelled', 'expired'),
  ...t.each(t.orNull(t.number()), 'latency_mean_ms', 'latency_p50_ms', 'latency_p95_ms', 'latency_p99_ms'),
  ...t.each(t.orNull(t.number()), 'duration_mean_ms', 'duration_p50_ms', 'duration_p95_ms', 'duration_p99_ms'),
});
export type HistoryPoint = t.Of<typeof HistoryPoint>;
const ErrorGroup = t.named('ErrorGroup', {
  fingerprint: t.text(),
  count: t.count(),
  error_type: t.text(),
  message: t.text('The message without numbers, ids and addresses.'),
  first_at: t.time(),
  last_at: t.time(),
});
export type ErrorGroup = t.Of<typeof ErrorGroup>;

const LoggedEvent = t.named('Event', {
  ...t.each(t.text(), 'specversion', 'id', 'type', 'event', 'source'),
  time: t.time(),
  timestamp: t.time(),
  subject: t.text('The job, workflow, cron job, queue or worker.'),
  datacontenttype: t.text(),
  data: t.mapOf(t.json()),
});
export type LoggedEvent = t.Of<typeof LoggedEvent>;

export const systemAnswers = {
  'system.manifest': t.answer({
    specversion: t.text(),
    ojs_version: t.text(),
    implementation: t.object({ name: t.text(), version: t.text(), language: t.text(), homepage: t.text() }),
    conformance_level: t.count(),
    conformance_tier: t.text(),
    protocols: t.list(t.text()),
    backend: t.text(),
    durability: t.text(),
    capabilities: t.mapOf(t.flag()),
    unique_job_strength: t.text(),
    schema_validation: t.flag(),
    extensions: t.object({ official: t.list(Extension), experimental: t.list(Extension) }),
    limits: t.mapOf(t.count()),
    retention: t.mapOf(Kept),
    'x-steps': t.maybe(t.mapOf(t.count())),
    endpoints: t.mapOf(t.text()),
    event_delivery: t.oneOf(['at_least_once', 'none']),
  }),
  'system.health': Health,
  'system.metrics': t.text('Measurements for Prometheus.'),
  'system.openapi': t.mapOf(t.json()),
  'system.doctor': t.answer({ findings: t.list(Finding), checked_at: t.time() }),
  'event.list': t.answer({
    events: t.list(LoggedEvent),
    cursor: t.orNull(t.text()),
    has_more: t.flag(),
    gap: t.maybe(t.yes('The log does not reach back to the cursor.')),
    newest_cursor: t.maybe(t.orNull(t.text('With order=desc: where the log ends.'))),
  }),
  'admin.jobGroups': t.answer({
    by: t.text(),
    groups: t.list(
      t.object({
        value: t.json('If it has more than 500 characters, the beginning of its JSON.'),
        count: t.count(),
        digest: t.maybe(t.text('SHA-256 of a long value.')),
      }),
    ),
    group_count: t.count('Groups that the call has found, also those beyond the limit.'),
    others: t.count('Jobs with a value that is not among the groups.'),
    without_value: t.count('Jobs that have no value.'),
    matched: t.count(),
    is_lower_bound: t.flag('The server has read some of the jobs only.'),
    search: t.object({ scanned: t.count(), complete: t.flag(), plan: t.maybe(t.text()) }),
    pagination: t.Cursor,
  }),
  'admin.errors': t.answer({ items: t.list(ErrorGroup), total: t.count(), jobs: t.count() }),
  'admin.stats': Statistics,
  'admin.history': t.answer({ period: t.text(), data: t.list(HistoryPoint) }),
  'admin.config': Configuration,
  'admin.maintenance': maintenance,
  'admin.setMaintenance': maintenance,
};
