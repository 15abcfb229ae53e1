import { isQueueName, type NamesOf } from '@ojs-ts/core';
import type { Operation } from '../connection/operation.ts';
import { OJSValidationError } from '../errors.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { timestamp } from '../job/wire.ts';
import { compact, dateOf, eachOf, numberOf, quoted, wireOf } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { expectedQueue } from '../options/names.ts';
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
  /** Of the server that has answered. */
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
  /** Jobs that were given up. */
  readonly discarded: number;
  /** Means in milliseconds: the wait of a job for its start, and its run. */
  readonly meanWaitMs?: number;
  readonly meanDurationMs?: number;
}

const periods = ['1m', '5m', '1h', '1d'] as const;

/** Which part of the past. The server keeps minutes for 7 days by default. */
export interface StatsHistoryOptions extends CallOptions {
  /** Default: `5m`. Periods begin at whole multiples, by UTC. An answer has at most 1,500 of them. */
  period?: (typeof periods)[number] | undefined;
  /** Default: an hour ago. */
  since?: Date | string | undefined;
  /** Default: now. */
  until?: Date | string | undefined;
  /** Default: all queues together. */
  queue?: string | undefined;
}

export const statsHistoryNames: NamesOf<StatsHistoryOptions> = {
  ...callNames,
  period: true,
  since: true,
  until: true,
  queue: true,
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
    uptimeSeconds: numberOf(raw.uptime_seconds) ?? 0,
  });
}

/** The query of a history. @throws {OJSValidationError} */
export function statsQuery(options: StatsHistoryOptions): Readonly<Record<string, string>> {
  checkNames(options, statsHistoryNames);
  const { period, since, until, queue } = options;
  if (period !== undefined && !periods.includes(period))
    throw OJSValidationError.of('period', `expected one of ${periods.join(', ')}, got ${quoted(period)}`);
  if (queue !== undefined && !isQueueName(queue)) throw OJSValidationError.of('queue', expectedQueue(queue));
  return compact({ period, since: timestamp(since, 'since'), until: timestamp(until, 'until'), queue });
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
    discarded: numberOf(raw.discarded) ?? 0,
    meanWaitMs: numberOf(raw.latency_mean_ms),
    meanDurationMs: numberOf(raw.duration_mean_ms),
  });
}
