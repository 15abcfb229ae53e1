import {
  didYouMean,
  expectedQueueName,
  Fields,
  formatTimestamp,
  isQueueName,
  type Millis,
  noSums,
  ProtocolError,
  readMoment,
  State,
  type Sums,
} from '@ojs-ts/core';
import type { Engine } from '../../engine/engine.ts';
import type { QueueStatistics } from '../../engine/queues/statistics.ts';
import type { BindingRequest } from '../handler.ts';
import { countsOf, oldestOf } from '../queues/queues.ts';
import { json, type Reply } from '../reply.ts';
import { summaryOf } from '../workers/records.ts';

const minute = 60_000;
const hour = 60 * minute;
const periods: ReadonlyMap<string, Millis> = new Map([
  ['1m', minute],
  ['5m', 5 * minute],
  ['1h', hour],
  ['1d', 24 * hour],
]);
/** The minutes of one read: of 1,000 queues 60,000 records. */
const readMs = hour;
/** A day in minutes, and then some. */
const maxPoints = 1_500;

/** GET /admin/stats (ojs-admin-api §10.1): sums of stored counts. */
export async function stats(engine: Engine): Promise<Reply> {
  const [queues, workers] = await Promise.all([engine.storage.registry.queues(), engine.workers.list()]);
  const [oldest = null] = [...(await oldestOf(engine, queues)).values()].sort();
  const counts: Partial<Record<State, number>> = {};
  for (const queue of queues)
    for (const state of Object.values(State)) counts[state] = (counts[state] ?? 0) + (queue.counts[state] ?? 0);
  const deadLetter = queues.reduce((total, queue) => total + queue.deadLetter, 0);
  const statistics = await Promise.all(queues.map(({ name }) => engine.statistics.of(name)));
  const sum = (of: (one: QueueStatistics) => number) => statistics.reduce((total, one) => total + of(one), 0);
  return json({
    queues: queues.length,
    paused_queues: queues.filter(({ paused }) => paused).length,
    workers: workers.length,
    workers_by_state: summaryOf(engine, workers),
    jobs: countsOf({ counts, deadLetter }),
    oldest_available_at: oldest,
    throughput: throughputOf(statistics),
    completed_last_hour: sum((one) => one.completedLastHour),
    failed_last_hour: sum((one) => one.failedLastHour),
    uptime_seconds: Math.max(0, Math.floor((engine.clock.now() - engine.startedAt) / 1_000)),
  });
}

/**
 * GET /admin/stats/history (ojs-admin-api §10.2): the stored sums by minute, added up. Means in place of percentiles,
 * which nobody keeps.
 */
export async function history(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const now = engine.clock.now();
  const fields = new Fields(query, 'query');
  const period = query.period || '5m';
  const queue = query.queue || undefined;
  const ms = periods.get(period);
  const known = [...periods.keys()];
  if (ms === undefined) fields.issue('period', `must be one of ${known.join(', ')}.${didYouMean(period, known)}`);
  if (queue !== undefined && !isQueueName(queue)) fields.issue('queue', `must be ${expectedQueueName}`);
  const since = readMoment(fields, 'since') ?? now - hour;
  const until = readMoment(fields, 'until') ?? now;
  if (since >= until) fields.issue('since', 'must be before until, which is now by default');
  fields.done();
  const length = ms ?? minute;
  const from = Math.floor(since / length) * length;
  const points = Math.ceil((until - from) / length);
  if (points > maxPoints) {
    const message = `and until span ${points} periods; at most ${maxPoints} fit into an answer. Choose a longer period.`;
    throw ProtocolError.invalid([{ path: 'query.since', message }]);
  }
  const sums = Array.from({ length: points }, () => noSums);
  const oldest = now - engine.retention.statisticsMs - readMs;
  for (let begin = Math.max(from, oldest); begin < until; begin += readMs) {
    for (const record of await engine.storage.registry.statistics(begin, Math.min(begin + readMs, until))) {
      const at = Math.floor((record.minute - from) / length);
      const sum = sums[at];
      if (sum !== undefined && (queue === undefined || record.queue === queue)) sums[at] = added(sum, record);
    }
  }
  return json({ period, data: sums.map((sum, at) => render(from + at * length, sum)) });
}

function added(one: Sums, other: Sums): Sums {
  return {
    enqueued: one.enqueued + other.enqueued,
    started: one.started + other.started,
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    discarded: one.discarded + other.discarded,
    durationMs: one.durationMs + other.durationMs,
    waitMs: one.waitMs + other.waitMs,
  };
}

function render(at: Millis, { enqueued, started, completed, failed, discarded, durationMs, waitMs }: Sums): object {
  return {
    timestamp: formatTimestamp(at),
    processed: completed,
    failed,
    enqueued,
    started,
    discarded,
    latency_mean_ms: started === 0 ? null : Math.round(waitMs / started),
    duration_mean_ms: completed === 0 ? null : Math.round(durationMs / completed),
  };
}

/** Over the last full minute and the current one. */
export function throughputOf(statistics: readonly QueueStatistics[]): object {
  const perMinute = (of: (one: QueueStatistics) => number) =>
    Math.round(statistics.reduce((sum, one) => sum + of(one), 0) * 60 * 1_000) / 1_000;
  return {
    processed_per_minute: perMinute((one) => one.throughputPerSecond),
    failed_per_minute: perMinute((one) => one.failuresPerSecond),
  };
}

/** Means of the last hour, in milliseconds; null without a measurement. */
export function latencyOf({ averageWaitMs, averageDurationMs }: QueueStatistics): object {
  const rounded = (value: number | null) => (value === null ? null : Math.round(value));
  return { wait_mean: rounded(averageWaitMs), duration_mean: rounded(averageDurationMs) };
}
