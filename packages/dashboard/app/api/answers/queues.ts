import type { Pagination } from '../page.ts';
import type { JobCounts, Percentiles, Throughput } from './statistics.ts';

export interface QueueOverview {
  readonly name: string;
  readonly paused: boolean;
  readonly counts: JobCounts;
  readonly oldest_available_at: string | null;
  readonly throughput: Throughput;
  readonly latency_ms: Percentiles;
  readonly duration_ms: Percentiles;
  readonly created_at: string;
  /** Running workers that read it; only lists have it. */
  readonly workers?: number;
}

export interface Rate {
  readonly limit: number;
  /** ISO 8601. */
  readonly period: string;
}

export interface QueueConfig {
  readonly backpressure: {
    /** Null for no bound. */
    readonly max_depth: number | null;
    readonly strategy: 'reject' | 'warn';
    readonly warning_threshold: number;
  };
  readonly concurrency: number | null;
  readonly rate_limit: Rate | null;
  readonly retention: Readonly<Record<'completed' | 'discarded' | 'cancelled', string>>;
}

export interface QueueAnswers {
  readonly 'admin.queues': { readonly items: readonly QueueOverview[]; readonly pagination: Pagination };
  readonly 'admin.queue': QueueOverview & { readonly configuration: QueueConfig };
  readonly 'queue.create': unknown;
  readonly 'queue.configure': { readonly config: QueueConfig };
  readonly 'queue.delete': { readonly deleted: boolean };
  readonly 'queue.pause': unknown;
  readonly 'queue.resume': unknown;
  readonly 'queue.purge': { readonly purged_count: number; readonly has_more: boolean };
}
