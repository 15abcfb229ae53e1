/** Durations counted in fixed buckets, so that histograms of minutes, queues and types add up to one. */

const minuteMs = 60_000;
const hourMs = 3_600_000;

/**
 * Upper bounds in milliseconds, inclusive; one bucket more is open. About three an octave: from 3 ms to an hour each is
 * at most a third above the one before, and so far may a percentile be off. The bounds that ojs-observability §8.2
 * recommends are among them. `lua/hot/statistics.lua` has the same list.
 */
export const bucketBounds: readonly number[] = [
  ...[1, 2, 3, 4, 5, 6, 8],
  ...[1, 10, 100].flatMap((unit) => [10, 12, 15, 20, 25, 30, 40, 50, 60, 80].map((bound) => bound * unit)),
  ...[10, 12, 15, 20, 25, 30, 40, 50].map((seconds) => seconds * 1_000),
  ...[1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50].map((minutes) => minutes * minuteMs),
  ...[1, 1.5, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72, 96, 168].map((hours) => hours * hourMs),
];

/**
 * The measured durations: the wait of a job for its first start and for later ones, and the run that ended it, by the
 * state that it ended in.
 */
export type Measure = (typeof measures)[number];

/** Their order is part of the stored codes. */
const measures = ['wait', 'waitAgain', 'completed', 'discarded', 'cancelled'] as const;

/** The upper bound of the open bucket. */
const open = Number.POSITIVE_INFINITY;

/** The codes of a measure begin at its index times this. */
const codesOfMeasure = 128;

/** The index of the first bound that is at least `ms`. */
export function bucketOf(ms: number): number {
  let low = 0;
  let high = bucketBounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bucketBounds[middle] ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The code of the first bucket of a measure. */
export function firstCode(measure: Measure): number {
  return measures.indexOf(measure) * codesOfMeasure;
}

/** The number under which a duration of a measure is counted. */
export function codeOf(measure: Measure, ms: number): number {
  return firstCode(measure) + bucketOf(ms);
}

/** Counts by code; an absent code is 0. */
export type Histogram = Readonly<Record<number, number>>;

export const noHistogram: Histogram = {};

export function addHistogram(to: Record<number, number>, more: Histogram): void {
  for (const code of Object.keys(more).map(Number)) to[code] = (to[code] ?? 0) + (more[code] ?? 0);
}

export function mergeHistograms(one: Histogram, other: Histogram): Histogram {
  const merged: Record<number, number> = { ...one };
  addHistogram(merged, other);
  return merged;
}

/** Counts by bucket of some measures together, one more than there are bounds. */
export function buckets(histogram: Histogram, of: readonly Measure[]): readonly number[] {
  const counts = Array.from({ length: bucketBounds.length + 1 }, () => 0);
  for (const measure of of) {
    const first = firstCode(measure);
    for (const [bucket, count] of counts.entries()) counts[bucket] = count + (histogram[first + bucket] ?? 0);
  }
  return counts;
}

/**
 * How many durations of a measure are at most as long as each bound, and as the last element how many there are, as
 * Prometheus counts them. Exact for bounds out of {@link bucketBounds}; others count the buckets that lie wholly below
 * them.
 * @param bounds in ascending order.
 */
export function cumulative(histogram: Histogram, measure: Measure, bounds: readonly number[]): readonly number[] {
  const first = firstCode(measure);
  let [bucket, sum] = [0, 0];
  return [...bounds, open].map((bound) => {
    for (; bucket <= bucketBounds.length && (bucketBounds[bucket] ?? open) <= bound; bucket++)
      sum += histogram[first + bucket] ?? 0;
    return sum;
  });
}

/**
 * The duration in milliseconds below which the share `q` of the counts lies, interpolated within its bucket; null
 * without a count. The open bucket answers its lower bound.
 * @param q greater than 0, at most 1.
 */
export function quantile(counts: readonly number[], q: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = q * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    const lower = bucketBounds[bucket - 1] ?? 0;
    const upper = bucketBounds[bucket] ?? lower;
    if (count > 0 && below + count >= rank) return lower + ((upper - lower) * (rank - below)) / count;
    below += count;
  }
  return bucketBounds.at(-1) ?? null;
}
