import { formatTimestamp, type Millis } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import { countsOf, wrongValue } from '@ojs-ts/core/requests';
import { readQuery } from '@ojs-ts/core/schemas';
import { addFigures, type Figures, newFigures, type QueueStatistics } from '@ojs-ts/core/statistics';
import type { Parts } from '../../engine/engine.ts';
import { minuteParts } from '../../engine/queues/minute-parts.ts';
import type { QueueRecord } from '../../storage/storage.ts';
import type { BindingRequest } from '../handler.ts';
import { oldestOf } from '../queues/queues.ts';
import { json, type Reply } from '../reply.ts';
import { summaryOf } from '../workers/records.ts';
import { runPercentiles, waitPercentiles } from './percentiles.ts';

export type Engine = Parts<
  | 'clock'
  | 'leases'
  | 'protocol'
  | 'queueSettings'
  | 'queues'
  | 'secrets'
  | 'settings'
  | 'startedAt'
  | 'statistics'
  | 'storage'
  | 'upkeep'
  | 'workers'
>;

const minute = 60_000;
const hour = 60 * minute;
const periods = { '1m': minute, '5m': 5 * minute, '1h': hour, '1d': 24 * hour };
/** A day in minutes, and then some. */
const maxPoints = 1_500;

/** GET /admin/stats (ojs-admin-api §10.1). */
export async function stats(engine: Engine): Promise<Reply> {
  return json({ ...(await overview(engine)), ...uptimeOf(engine) });
}

export function uptimeOf(engine: Engine): { readonly uptime_seconds: number } {
  return { uptime_seconds: Math.max(0, Math.floor((engine.clock.now() - engine.startedAt) / 1_000)) };
}

/** By the reading of the queues, which is shared where there are many. */
const overviews = new WeakMap<readonly QueueRecord[], Promise<object>>();

/** Sums of stored counts, and percentiles of the last hour. */
export async function overview(engine: Engine): Promise<object> {
  const queues = await engine.queues.queues();
  const known = overviews.get(queues) ?? overviewOf(engine, queues);
  overviews.set(queues, known);
  return known;
}

async function overviewOf(engine: Engine, queues: readonly QueueRecord[]): Promise<object> {
  const workers = await engine.workers.list();
  const [oldest = null] = [...(await oldestOf(engine, queues)).values()].sort();
  const counts: Partial<Record<State, number>> = {};
  for (const queue of queues)
    for (const state of Object.values(State)) counts[state] = (counts[state] ?? 0) + (queue.counts[state] ?? 0);
  const deadLetter = queues.reduce((total, queue) => total + queue.deadLetter, 0);
  const statistics = await engine.statistics.all();
  return {
    queues: queues.length,
    paused_queues: queues.filter(({ paused }) => paused).length,
    workers: workers.length,
    workers_by_state: summaryOf(engine, workers),
    jobs: countsOf({ counts, deadLetter }),
    oldest_available_at: oldest,
    throughput: throughputOf(statistics),
    latency_ms: waitPercentiles(statistics.histogram),
    duration_ms: runPercentiles(statistics.histogram),
    completed_last_hour: statistics.completedLastHour,
    failed_last_hour: statistics.failedLastHour,
  };
}

/** GET /admin/stats/history (ojs-admin-api §10.2): the stored minutes, added up, of one queue or type or of all. */
export async function history(engine: Engine, { query }: BindingRequest): Promise<Reply> {
  const now = engine.clock.now();
  const { period = '5m', queue, type, ...sent } = readQuery('admin.history', query, now);
  const { since = now - hour, until = now } = sent;
  if (since >= until) throw wrongValue('query.since', 'must be before until, which is now by default');
  const length = periods[period];
  const from = Math.floor(since / length) * length;
  const points = Math.ceil((until - from) / length);
  if (points > maxPoints) {
    const message = `and until span ${points} periods; at most ${maxPoints} fit into an answer. Choose a longer period.`;
    throw wrongValue('query.since', message);
  }
  const sums = Array.from({ length: points }, newFigures);
  const oldest = now - engine.settings.retention.statisticsMs - hour;
  const begin = Math.max(from, oldest);
  const parts =
    queue === undefined
      ? minuteParts(engine.storage, begin, until)
      : [await engine.storage.registry.statistics(begin, until, [queue])];
  for await (const part of parts) {
    for (const record of part) {
      const at = Math.floor((record.minute - from) / length);
      const sum = sums[at];
      if (sum !== undefined && (type ?? record.type) === record.type) addFigures(sum, record);
    }
  }
  return json({ period, data: sums.map((sum, at) => render(from + at * length, sum)) });
}

function render(at: Millis, figures: Figures): object {
  const { enqueued, started, completed, failed, retried, discarded, cancelled, expired, histogram } = figures;
  const [wait, run] = [waitPercentiles(histogram), runPercentiles(histogram)];
  return {
    timestamp: formatTimestamp(at),
    processed: completed,
    ...{ failed, enqueued, started, retried, discarded, cancelled, expired },
    latency_mean_ms: started === 0 ? null : Math.round(figures.waitMs / started),
    ...{ latency_p50_ms: wait.p50, latency_p95_ms: wait.p95, latency_p99_ms: wait.p99 },
    duration_mean_ms: completed === 0 ? null : Math.round(figures.durationMs / completed),
    ...{ duration_p50_ms: run.p50, duration_p95_ms: run.p95, duration_p99_ms: run.p99 },
  };
}

/** Over the last full minute and the current one. */
export function throughputOf(statistics: Pick<QueueStatistics, 'throughputPerSecond' | 'failuresPerSecond'>): object {
  const perMinute = (perSecond: number) => Math.round(perSecond * 60 * 1_000) / 1_000;
  return {
    processed_per_minute: perMinute(statistics.throughputPerSecond),
    failed_per_minute: perMinute(statistics.failuresPerSecond),
  };
}
