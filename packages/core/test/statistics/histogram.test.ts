import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addFigures,
  bucketBounds,
  bucketOf,
  buckets,
  codeOf,
  cumulative,
  type Figures,
  type Histogram,
  type Measure,
  mergeHistograms,
  newFigures,
  noHistogram,
  quantile,
  sumNames,
} from '../../src/statistics/index.ts';

const measures: readonly Measure[] = ['wait', 'waitAgain', 'completed', 'discarded', 'cancelled'];
const duration = fc.oneof(
  fc.nat({ max: 100 }),
  fc.nat({ max: 10_000 }),
  fc.nat({ max: 700_000_000 }),
  fc.constantFrom(...bucketBounds),
);
const histogram: fc.Arbitrary<Histogram> = fc
  .array(fc.tuple(fc.constantFrom(...measures), duration), { maxLength: 20 })
  .map((measured) => {
    const counts: Record<number, number> = {};
    for (const [measure, ms] of measured) {
      const code = codeOf(measure, ms);
      counts[code] = (counts[code] ?? 0) + 1;
    }
    return counts;
  });
const figures: fc.Arbitrary<Figures> = fc
  .tuple(fc.array(fc.nat(), { minLength: 13, maxLength: 13 }), histogram)
  .map(([values, histogram]): Figures => {
    const one = newFigures();
    for (const [at, name] of sumNames.entries()) one[name] = values[at] ?? 0;
    return { ...one, histogram };
  });

function sum(...parts: readonly Figures[]): Figures {
  const all = newFigures();
  for (const part of parts) addFigures(all, part);
  return all;
}

test('the bounds ascend and have those that ojs-observability §8.2 recommends', () => {
  expect([...bucketBounds].sort((a, b) => a - b)).toEqual(bucketBounds);
  expect(new Set(bucketBounds).size).toBe(bucketBounds.length);
  // Every measure has 128 codes.
  expect(bucketBounds.length).toBeLessThan(128);
  const duration = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
  const queueTime = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600];
  const recommended = [...duration, ...queueTime].map((seconds) => seconds * 1_000);
  expect(recommended.filter((bound) => !bucketBounds.includes(bound))).toEqual([]);
});

test('a duration is in the bucket whose bounds enclose it, the upper one included', () => {
  fc.assert(
    fc.property(duration, (ms) => {
      const bucket = bucketOf(ms);
      expect(ms).toBeLessThanOrEqual(bucketBounds[bucket] ?? Number.POSITIVE_INFINITY);
      expect(ms).toBeGreaterThan(bucketBounds[bucket - 1] ?? -1);
    }),
  );
});

test('adding is associative and commutative, and nothing is its zero', () => {
  fc.assert(
    fc.property(figures, figures, figures, (a, b, c) => {
      expect(sum(sum(a, b), c)).toEqual(sum(a, sum(b, c)));
      expect(sum(a, b)).toEqual(sum(b, a));
      expect(sum(a)).toEqual(a);
      expect(mergeHistograms(a.histogram, b.histogram)).toEqual(sum(a, b).histogram);
      expect(mergeHistograms(noHistogram, a.histogram)).toEqual(a.histogram);
    }),
  );
});

test('a quantile lies within the bucket of the value at its rank', () => {
  fc.assert(
    fc.property(
      fc.array(duration, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      (durations, q) => {
        const counts: Record<number, number> = {};
        for (const ms of durations) {
          const code = codeOf('completed', ms);
          counts[code] = (counts[code] ?? 0) + 1;
        }
        const sorted = [...durations].sort((a, b) => a - b);
        const bucket = bucketOf(sorted[Math.ceil(q * sorted.length) - 1] ?? 0);
        const found = quantile(buckets(counts, ['completed']), q);
        const lower = bucketBounds[bucket - 1] ?? 0;
        expect(found).toBeGreaterThanOrEqual(lower);
        expect(found).toBeLessThanOrEqual(bucketBounds[bucket] ?? lower);
      },
    ),
  );
  expect(quantile(buckets(noHistogram, ['wait']), 0.5)).toBeNull();
  // Half of ten values between 80 and 100.
  expect(quantile(buckets({ [codeOf('wait', 90)]: 10 }, ['wait']), 0.5)).toBe(90);
});

test('measures count apart, and together where both are asked for', () => {
  const both = { [codeOf('wait', 3)]: 2, [codeOf('waitAgain', 3)]: 5 };
  const at = bucketOf(3);
  expect(buckets(both, ['wait'])[at]).toBe(2);
  expect(buckets(both, ['wait', 'waitAgain'])[at]).toBe(7);
  expect(buckets(both, ['cancelled']).every((count) => count === 0)).toBe(true);
});

test('cumulative counts at the bounds are the numbers of durations of the measure that are not longer', () => {
  const measured = fc.array(fc.tuple(fc.constantFrom(...measures), duration), { maxLength: 50 });
  fc.assert(
    fc.property(measured, fc.subarray([...bucketBounds]), (all, bounds) => {
      const counts: Record<number, number> = {};
      for (const [measure, ms] of all) {
        const code = codeOf(measure, ms);
        counts[code] = (counts[code] ?? 0) + 1;
      }
      for (const measure of measures) {
        const durations = all.flatMap(([of, ms]) => (of === measure ? [ms] : []));
        const below = bounds.map((bound) => durations.filter((ms) => ms <= bound).length);
        expect(cumulative(counts, measure, bounds)).toEqual([...below, durations.length]);
      }
    }),
  );
});
