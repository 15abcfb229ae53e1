import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Counter, Gauge, Histogram } from '../../../src/engine/telemetry/instruments.ts';

describe('a histogram', () => {
  test('counts what is at most each bound, and what is beyond all', () => {
    const bounds = [0.1, 1, 10];
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(0, 0.1, 1, 10), fc.double({ min: 0, max: 20, noNaN: true }))),
        (values) => {
          const histogram = new Histogram('h', 'help', bounds);
          for (const value of values) histogram.of({ a: 'x' }).record(value);
          const family = histogram.family();
          const atMost = (bound: number) => values.filter((value) => value <= bound).length;
          expect(family).toMatchObject({
            samples:
              values.length === 0
                ? []
                : [{ labels: { a: 'x' }, cumulative: [...bounds.map(atMost), values.length], sum: expect.any(Number) }],
          });
          const [sample] = family.samples;
          const sum = sample !== undefined && 'sum' in sample ? sample.sum : 0;
          expect(sum).toBeCloseTo(
            values.reduce((total, value) => total + value, 0),
            6,
          );
        },
      ),
    );
  });

  test('counts equal values at once', () => {
    const histogram = new Histogram('h', 'help', [1]);
    histogram.of({}).record(0.5, 3);
    expect(histogram.family().samples).toEqual([{ labels: {}, cumulative: [3, 3], sum: 1.5 }]);
  });
});

test('a label set beyond the thousandth counts under other', () => {
  const counter = new Counter('c_total', 'help');
  for (let i = 0; i < 1_010; i++) counter.add({ queue: `q${i}` });
  counter.add({ queue: 'q0' });
  const samples = [...counter.family().samples];
  expect(samples).toHaveLength(1_001);
  expect(samples[0]).toMatchObject({ labels: { queue: 'q0' }, value: 2 });
  expect(samples.at(-1)).toMatchObject({ labels: { queue: 'other' }, value: 10 });
});

test('a gauge has its last value', () => {
  const gauge = new Gauge('g', 'help');
  gauge.set(3);
  gauge.add(-1);
  expect(gauge.family().samples).toMatchObject([{ labels: {}, value: 2 }]);
});
