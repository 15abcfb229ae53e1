import type { Latency } from './task.ts';

/** The value below which `share` (0 to 1) of the values lie: nearest rank, so always a value that was measured. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** From `sent` to `starts`, job by job. */
export function latency(sent: readonly number[], starts: readonly number[]): Latency {
  const times = sent.map((at, n) => (starts[n] ?? Number.NaN) - at);
  return { kind: 'latency', p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: percentile(times, 1) };
}

/** One clock for all processes of a machine, in milliseconds with fractions. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}
