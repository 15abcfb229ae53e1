import { expect, test } from 'vitest';
import type { Curve } from '../src/growth/curve.ts';
import { curveNames, curveOf } from '../src/growth/curves.ts';
import type { Point } from '../src/growth/point.ts';
import { growthTable, verdictsOf } from '../src/growth/verdicts.ts';
import { busyMs, report } from './report.ts';

const point = (claim: number, other: number, commands: number): Point => ({
  claim: { µs: claim, commands },
  other: { µs: other },
});
const curve: Curve = {
  name: 'made',
  of: 'things',
  storages: ['redis'],
  sizes: { small: [1, 10], big: [1, 10] },
  bounds: [
    { what: 'claim', kind: 'growth', bound: 1.2 },
    { what: 'claim', kind: 'growth', bound: 5, unit: 'commands' },
    { what: 'claim', kind: { beside: 'other' }, bound: 3 },
    { what: 'other', kind: 'value', bound: 40, least: true },
    { what: 'other', kind: 'value', bound: 1, on: ['sqlite'] },
  ],
  measure: async () => {},
};

test('a bound is judged by the median of the ratios of the rounds', () => {
  const rounds = [
    [point(10, 1, 1), point(20, 50, 5)],
    [point(100, 1, 1), point(110, 50, 5)],
    [point(100, 1, 1), point(50, 30, 5)],
  ];
  const series = { curve, kind: 'redis', sizes: [1, 10], rounds } as const;
  expect(verdictsOf(series).map(({ value, isMet }) => [value, isMet])).toEqual([
    [1.1, true],
    [5, true],
    [50 / 30, true],
    [50, true],
  ]);
  expect(growthTable(series)).toContain('growth 1.10 of µs, at most 1.2: met; growth 5.00 of commands');
  const last = rounds.slice(0, 1);
  expect(verdictsOf({ ...series, rounds: last })[0]).toMatchObject({ value: 2, isMet: false });
  expect(growthTable({ ...series, rounds: last })).toContain('growth 2.00 of µs, at most 1.2: MISSED');
});

test('a figure that is missing misses its bound', () => {
  const series = { curve, kind: 'redis', sizes: [1, 10], rounds: [[{}, {}]] } as const;
  expect(verdictsOf(series).map(({ isMet }) => isMet)).toEqual([false, false, false, false]);
});

test.each(curveNames)('the curve %s has its name, and bounds of what it measures', async (name) => {
  expect((await curveOf(name)).name).toBe(name);
});

interface Measured {
  readonly curve: Curve;
  readonly rounds: readonly (readonly Point[])[];
}

test(
  'a curve is measured in processes of its own',
  async () => {
    const args = ['--storage', 'sqlite', '--curve', 'queues', '--sizes', '4,8', '--rounds', '1'];
    const [measured] = await report<readonly Measured[]>('growth/main.ts', ...args);
    const [points = []] = measured?.rounds ?? [];
    expect(points).toHaveLength(2);
    for (const { what, unit = 'µs' } of measured?.curve.bounds ?? [])
      for (const point of points) expect(point[what]?.[unit]).toBeGreaterThan(0);
  },
  busyMs,
);
