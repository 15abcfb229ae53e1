import { isJobType, isQueueName, type NamesOf } from '@ojs-ts/core';
import type * as answers from '@ojs-ts/core/schemas';
import { OJSValidationError } from '../errors.ts';
import { type CallOptions, callNames } from '../job/options.ts';
import { timestamp } from '../job/wire.ts';
import { compact, dateOf, eachOf, quoted, type Wire, wireOf } from '../json.ts';
import { expectedQueue, expectedType } from '../options/values.ts';
import { type Camel, camel } from './answer.ts';
import { type Figures, figuresIn, figuresOf, flatPercentiles, numbersOf, type Percentiles } from './figures.ts';
import { read } from './row.ts';

type Renamed = 'throughput' | 'latencyMs' | 'durationMs' | 'jobs' | 'workersByState';

/** Sums over all queues (ojs-admin-api §10.1). `uptimeSeconds` is that of the server that answered. */
export interface Stats extends Omit<Camel<answers.Statistics>, Renamed>, Figures {
  /** `running`, `quiet`, `terminate` and `stale`. */
  readonly workersByState: Readonly<Record<string, number>>;
  /** Jobs by state, and those in the dead letter as `dead_letter`. */
  readonly jobs: Readonly<Record<string, number>>;
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

const sums = ['enqueued', 'started', 'processed', 'failed', 'retried', 'discarded', 'expired', 'cancelled'] as const;
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

const historyNames: NamesOf<StatsHistoryOptions> = {
  ...{ ...callNames, period: true, since: true, until: true, queue: true, type: true },
};

export const statisticsRows = {
  /** Sums over all queues, and the workers (ojs-admin-api §10.1). */
  stats: () => read({ operation: 'admin.stats' }, readStats),
  /** Sums by period, oldest first (ojs-admin-api §10.2). @throws {OJSValidationError} before anything is sent. */
  statsHistory: {
    names: historyNames,
    make: (options: StatsHistoryOptions) => {
      const { period, since, until, queue, type } = options;
      if (period !== undefined && !periods.includes(period))
        throw OJSValidationError.of('period', `expected one of ${periods.join(', ')}, got ${quoted(period)}`);
      if (queue !== undefined && !isQueueName(queue)) throw OJSValidationError.of('queue', expectedQueue(queue));
      if (type !== undefined && !isJobType(type)) throw OJSValidationError.of('type', expectedType(type));
      const query = compact({
        period,
        since: timestamp(since, 'since'),
        until: timestamp(until, 'until'),
        queue,
        type,
      });
      return read({ operation: 'admin.history', query }, ({ data }) => eachOf(data, readPoint));
    },
  },
};

function readStats(raw: Wire): Stats {
  const { throughput: _, latency_ms: __, duration_ms: ___, ...rest } = raw;
  const { jobs, workers_by_state } = raw;
  return {
    ...camel<answers.Statistics>(rest),
    ...figuresOf(raw),
    workersByState: numbersOf(workers_by_state),
    jobs: numbersOf(jobs),
  };
}

function readPoint(item: unknown): StatsPoint | undefined {
  const raw = wireOf(item);
  const at = dateOf(raw?.timestamp);
  if (raw === undefined || at === undefined) return undefined;
  const [waitMs, durationMs] = [flatPercentiles(raw, 'latency'), flatPercentiles(raw, 'duration')];
  const { processed: completed, ...others } = figuresIn(sums, raw);
  return { at, completed, ...others, waitMs, durationMs };
}
