import { isJobType, isQueueName, type NamesOf } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { OJSValidationError } from '../errors.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { timestamp } from '../job/wire.ts';
import { compact, dateOf, eachOf, numberOf, quoted, type Wire, wireOf } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { expectedQueue, expectedType } from '../options/names.ts';
import { type Percentiles, readPercentiles } from './percentiles.ts';
import { numbersOf } from './queues.ts';

/** Sums over all queues (ojs-admin-api §10.1). */
export interface Stats {
  readonly queues: number;
  readonly pausedQueues: number;
  readonly workers: number;
  /** `running`, `quiet`, `terminate` and `stale`. */
  readonly workersByState: Readonly<Record<string, number>>;
  /** Jobs by state, and those in the dead letter as `dead_letter`. */
  readonly jobs: Readonly<Record<string, number>>;
  /** When the job that has been available longest became available; absent without an available job. */
  readonly oldestAvailableAt?: Date;
  /** Executions a minute, over the last one or two minutes. */
  readonly completedPerMinute: number;
  readonly failedPerMinute: number;
  readonly completedLastHour: number;
  readonly failedLastHour: number;
  /** Percentiles of the last hour: the wait of a job for its start, and the run of one that completed. */
  readonly waitMs: Percentiles;
  readonly durationMs: Percentiles;
  /** The uptime of the server that answered. */
  readonly uptimeSeconds: number;
}

/** Sums of one period. */
export interface StatsPoint {
  /** The beginning of the period. */
  readonly at: Date;
  /** Jobs that entered their queue, and those that started. A retry starts again. */
  readonly enqueued: number;
  readonly started: number;
  /** Executions that succeeded, and those that failed. */
  readonly completed: number;
  readonly failed: number;
  /** Failed executions after which the job runs again. */
  readonly retried: number;
  /** Jobs that were given up, also those of them that expired before they started. */
  readonly discarded: number;
  readonly expired: number;
  readonly cancelled: number;
  /** The wait of a job for its start, and the run of one that completed. */
  readonly waitMs: Percentiles;
  readonly durationMs: Percentiles;
}

const periods = ['1m', '5m', '1h', '1d'] as const;

/** Selects a part of the past. The server keeps minutes for 7 days by default. */
export interface StatsHistoryOptions extends CallOptions {
  /** Default: `5m`. Periods begin at whole multiples, by UTC. An answer has at most 1,500 of them. */
  period?: (typeof periods)[number] | undefined;
  /** Default: an hour ago. */
  since?: Date | string | undefined;
  /** Default: now. */
  until?: Date | string | undefined;
  /** Default: all queues together. */
  queue?: string | undefined;
  /** Default: all job types together. */
  type?: string | undefined;
}

export const statsHistoryNames: NamesOf<StatsHistoryOptions> = {
  ...callNames,
  period: true,
  since: true,
  until: true,
  queue: true,
  type: true,
};

export function* stats(): Operation<Stats> {
  const raw = yield { call: { operation: 'admin.stats' } };
  const throughput = wireOf(raw.throughput);
  return compact({
    queues: numberOf(raw.queues) ?? 0,
    pausedQueues: numberOf(raw.paused_queues) ?? 0,
    workers: numberOf(raw.workers) ?? 0,
    workersByState: numbersOf(raw.workers_by_state),
    jobs: numbersOf(raw.jobs),
    oldestAvailableAt: dateOf(raw.oldest_available_at),
    completedPerMinute: numberOf(throughput?.processed_per_minute) ?? 0,
    failedPerMinute: numberOf(throughput?.failed_per_minute) ?? 0,
    completedLastHour: numberOf(raw.completed_last_hour) ?? 0,
    failedLastHour: numberOf(raw.failed_last_hour) ?? 0,
    waitMs: readPercentiles(raw.latency_ms),
    durationMs: readPercentiles(raw.duration_ms),
    uptimeSeconds: numberOf(raw.uptime_seconds) ?? 0,
  });
}

/** The query of a history. @throws {OJSValidationError} */
export function statsQuery(options: StatsHistoryOptions): Readonly<Record<string, string>> {
  checkNames(options, statsHistoryNames);
  const { period, since, until, queue, type } = options;
  if (period !== undefined && !periods.includes(period))
    throw OJSValidationError.of('period', `expected one of ${periods.join(', ')}, got ${quoted(period)}`);
  if (queue !== undefined && !isQueueName(queue)) throw OJSValidationError.of('queue', expectedQueue(queue));
  if (type !== undefined && !isJobType(type)) throw OJSValidationError.of('type', expectedType(type));
  return compact({ period, since: timestamp(since, 'since'), until: timestamp(until, 'until'), queue, type });
}

export function* statsHistory(query: Readonly<Record<string, string>>): Operation<StatsPoint[]> {
  const { data } = yield { call: { operation: 'admin.history', query } };
  return eachOf(data, readPoint);
}

function readPoint(item: unknown): StatsPoint | undefined {
  const raw = wireOf(item);
  const at = dateOf(raw?.timestamp);
  if (raw === undefined || at === undefined) return undefined;
  return compact({
    at,
    enqueued: numberOf(raw.enqueued) ?? 0,
    started: numberOf(raw.started) ?? 0,
    completed: numberOf(raw.processed) ?? 0,
    failed: numberOf(raw.failed) ?? 0,
    retried: numberOf(raw.retried) ?? 0,
    discarded: numberOf(raw.discarded) ?? 0,
    expired: numberOf(raw.expired) ?? 0,
    cancelled: numberOf(raw.cancelled) ?? 0,
    waitMs: flatPercentiles(raw, 'latency'),
    durationMs: flatPercentiles(raw, 'duration'),
  });
}

/** The history has its figures in members of their own, as `latency_p50_ms` (ojs-admin-api §10.2). */
function flatPercentiles(raw: Wire, name: 'latency' | 'duration'): Percentiles {
  const figures = ['p50', 'p95', 'p99', 'mean'].map((figure) => [figure, raw[`${name}_${figure}_ms`]]);
  return readPercentiles(Object.fromEntries(figures));
}
