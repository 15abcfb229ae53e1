import { buckets, type Histogram, type Measure, type QueueStatistics, quantile } from '@ojs-ts/core/statistics';

/** Waits for any attempt, and runs that completed. */
const waits: readonly Measure[] = ['wait', 'waitAgain'];
const runs: readonly Measure[] = ['completed'];

/** In milliseconds, null without a measurement. */
export type Percentiles = Readonly<Record<'p50' | 'p95' | 'p99', number | null>>;

export function waitPercentiles(histogram: Histogram): Percentiles {
  return percentiles(histogram, waits);
}

export function runPercentiles(histogram: Histogram): Percentiles {
  return percentiles(histogram, runs);
}

/** Waits of the last hour (ojs-admin-api §6.1) with their mean, and runs. */
export function durationsOf({ histogram, averageWaitMs, averageDurationMs }: QueueStatistics): object {
  return {
    latency_ms: { ...waitPercentiles(histogram), mean: rounded(averageWaitMs) },
    duration_ms: { ...runPercentiles(histogram), mean: rounded(averageDurationMs) },
  };
}

function percentiles(histogram: Histogram, of: readonly Measure[]): Percentiles {
  const counts = buckets(histogram, of);
  const at = (share: number) => rounded(quantile(counts, share));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
