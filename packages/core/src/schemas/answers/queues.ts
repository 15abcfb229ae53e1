import { Type } from '../type.ts';
import * as t from './parts.ts';

export const counts = {
  ...t.each(t.count(), 'available', 'active', 'scheduled', 'retryable', 'pending', 'completed', 'discarded'),
  ...t.each(t.count(), 'cancelled', 'dead_letter'),
};
export const JobCounts = t.named('JobCounts', counts);
export const Throughput = t.named('Throughput', { processed_per_minute: t.number(), failed_per_minute: t.number() });
const percentiles = { p50: t.orNull(t.number()), p95: t.orNull(t.number()), p99: t.orNull(t.number()) };
export const Percentiles = Type.Object(percentiles, {
  title: 'Percentiles',
  description: 'Milliseconds over the last hour; null without a measurement.',
});
const durations = t.object({ ...percentiles, mean: t.orNull(t.number()) });

const config = {
  max_size: t.orNull(t.count()),
  overflow_policy: t.oneOf(['reject', 'warn']),
  backpressure: t.object({
    max_depth: t.orNull(t.count('Null for no bound.')),
    strategy: t.oneOf(['reject', 'warn']),
    warning_threshold: t.number(),
  }),
  concurrency: t.orNull(t.count()),
  rate_limit: t.orNull(t.Rate),
  retention: t.object({ completed: t.duration(), discarded: t.duration(), cancelled: t.duration() }),
};
const QueueConfig = t.named('QueueConfig', config);
export type QueueConfig = t.Of<typeof QueueConfig>;

const status = t.oneOf(['active', 'paused']);
const head = { name: t.text(), status, paused: t.flag(), created_at: t.time() };
const figures = {
  queue: t.text(),
  depth: t.count('Jobs that wait or will return, which the bound counts.'),
  max_depth: t.orNull(t.count()),
  ...counts,
  ...t.each(t.count(), 'completed_last_hour', 'failed_last_hour', 'completed_today', 'failed_today'),
  ...t.each(t.number(), 'avg_duration_ms', 'avg_wait_ms', 'throughput_per_second'),
};
const described = { ...head, state: status, config: QueueConfig };
const detail = t.answer({
  ...described,
  queue: t.object({ ...described, ...counts }),
  configuration: QueueConfig,
  counts: JobCounts,
  ...counts,
  oldest_available_at: t.orNull(t.time()),
  stats: t.object({ ...figures, latency_ms: durations, duration_ms: durations }),
});
const configured = t.answer({ queue: t.text(), name: t.text(), config: QueueConfig, ...config });
const switched = {
  queue: t.object({ name: t.text(), paused: t.flag() }),
  name: t.text(),
  status,
  paused: t.flag(),
};

const overview = {
  name: t.text(),
  state: status,
  paused: t.flag(),
  counts: JobCounts,
  oldest_available_at: t.orNull(t.time()),
  throughput: Throughput,
  latency_ms: durations,
  duration_ms: durations,
  created_at: t.time(),
};
const QueueOverview = t.named('QueueOverview', {
  ...overview,
  workers: t.maybe(t.count('Running workers that read it; only lists have it.')),
});
export type QueueOverview = t.Of<typeof QueueOverview>;

const Window = t.named('Window', {
  limit: t.count(),
  period: t.duration(),
  current_count: t.count('Starts within the period that ends now.'),
  window_resets_at: t.time(),
});
const limit = {
  key: t.text(),
  concurrency: t.maybe(t.object({ limit: t.count(), active: t.count(), available: t.count() })),
  rate: t.maybe(Window),
  throttle: t.maybe(t.object({ limit: t.count(), period: t.duration(), next_allowed_at: t.time() })),
  rates: t.maybe(t.list(Window)),
  ...t.each(t.count(), 'active', 'active_count', 'waiting_count'),
  override: t.orNull(
    t.object({ concurrency: t.orNull(t.count()), rates: t.list(t.Rate), expires_at: t.orNull(t.time()) }),
  ),
};
const Limit = t.named('Limit', limit);
export type Limit = t.Of<typeof Limit>;
const shown = t.answer(limit);

export const queueAnswers = {
  'queue.list': t.answer({ queues: t.list(t.named('Queue', head)), pagination: t.Page }),
  'queue.create': detail,
  'queue.get': detail,
  'queue.delete': t.answer({
    ...t.each(t.text(), 'queue', 'name', 'strategy'),
    jobs_affected: t.count(),
    state: Type.Literal('deleted'),
    deleted: t.yes(),
  }),
  'queue.config': configured,
  'queue.configure': configured,
  'queue.limit': Type.Union([
    t.answer({ queue: t.text(), ...limit }),
    t.answer({ queue: t.text(), key: t.text('The queue has no limit any more.') }),
  ]),
  'queue.stats': t.answer({
    queue: t.object({ name: t.text(), ...counts, paused: t.flag() }),
    status,
    stats: t.object(figures),
    name: t.text(),
    ...counts,
    paused: t.flag(),
    computed_at: t.time(),
  }),
  'queue.pause': t.answer({ ...switched, paused_at: t.time() }),
  'queue.resume': t.answer({ ...switched, resumed_at: t.time() }),
  'queue.purge': t.answer({ purged_count: t.count(), states: t.list(t.JobState), has_more: t.flag() }),
  'admin.queues': t.answer({ items: t.list(QueueOverview), pagination: t.Page }),
  'admin.queue': t.answer({ ...overview, configuration: QueueConfig }),
  'limit.list': t.answer({
    items: t.list(Limit),
    rate_limits: t.list(Limit),
    pagination: t.Page,
    search: t.maybe(t.object({ scanned: t.count(), of: t.count(), complete: t.flag() })),
  }),
  'limit.get': shown,
  'limit.override': shown,
  'limit.restore': shown,
};
