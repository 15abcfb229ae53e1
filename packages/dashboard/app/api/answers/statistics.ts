/** Waits or runs in milliseconds; null without any. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface JobCounts {
  readonly available: number;
  readonly active: number;
  readonly scheduled: number;
  readonly retryable: number;
  readonly pending: number;
  readonly completed: number;
  readonly discarded: number;
  readonly cancelled: number;
  readonly dead_letter: number;
}

export interface Throughput {
  readonly processed_per_minute: number;
  readonly failed_per_minute: number;
}

export interface Statistics {
  readonly queues: number;
  readonly paused_queues: number;
  readonly workers: number;
  readonly workers_by_state: Readonly<Record<'total' | 'running' | 'quiet' | 'terminate' | 'stale', number>>;
  readonly jobs: JobCounts;
  readonly oldest_available_at: string | null;
  readonly throughput: Throughput;
  /** Of the last hour. */
  readonly latency_ms: Percentiles;
  readonly duration_ms: Percentiles;
  readonly completed_last_hour: number;
  readonly failed_last_hour: number;
}

export interface HistoryPoint {
  readonly timestamp: string;
  readonly processed: number;
  readonly failed: number;
  readonly enqueued: number;
  readonly started: number;
  readonly retried: number;
  readonly discarded: number;
  readonly cancelled: number;
  readonly expired: number;
  readonly latency_p50_ms: number | null;
  readonly latency_p95_ms: number | null;
  readonly latency_p99_ms: number | null;
  readonly duration_p50_ms: number | null;
  readonly duration_p95_ms: number | null;
  readonly duration_p99_ms: number | null;
}

export interface ErrorGroup {
  readonly fingerprint: string;
  readonly count: number;
  readonly error_type: string;
  /** Without numbers, ids and addresses. */
  readonly message: string;
  readonly first_at: string;
  readonly last_at: string;
}

export interface StatisticsAnswers {
  readonly 'admin.stats': Statistics;
  readonly 'admin.history': { readonly period: string; readonly data: readonly HistoryPoint[] };
  readonly 'admin.errors': { readonly items: readonly ErrorGroup[]; readonly total: number; readonly jobs: number };
}
