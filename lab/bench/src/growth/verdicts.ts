import { median } from '../statistics.ts';
import type { StoreKind } from '../store.ts';
import { table } from '../table.ts';
import { type Unit, units } from './cost.ts';
import type { Bound, Curve } from './curve.ts';
import type { Point } from './point.ts';

/** The points of a curve on one storage: rounds, and in each one point a size. */
export interface Series {
  readonly curve: Curve;
  readonly kind: StoreKind;
  readonly sizes: readonly number[];
  readonly rounds: readonly (readonly Point[])[];
}

export interface Verdict {
  readonly bound: Bound;
  /** The median of the rounds' ratios, or of their values. */
  readonly value: number;
  readonly isMet: boolean;
}

export function verdictsOf({ curve, kind, rounds }: Series): readonly Verdict[] {
  return curve.bounds
    .filter(({ on }) => on === undefined || on.includes(kind))
    .map((bound) => {
      const value = median(rounds.map((points) => figureOf(bound, points)));
      return { bound, value, isMet: bound.least ? value >= bound.bound : value <= bound.bound };
    });
}

function figureOf({ what, kind, unit = 'µs' }: Bound, points: readonly Point[]): number {
  const of = (point: Point | undefined, name: string) => point?.[name]?.[unit] ?? Number.NaN;
  const [first, last] = [points[0], points.at(-1)];
  if (kind === 'value') return of(last, what);
  return of(last, what) / (kind === 'growth' ? of(first, what) : of(last, kind.beside));
}

/** A row an operation, with its costs at each size and its bounds. */
export function growthTable(series: Series): string {
  const { curve, kind, sizes, rounds } = series;
  const verdicts = verdictsOf(series);
  const names = Object.keys(rounds[0]?.[0] ?? {});
  const rows = names.map((what) => {
    const cells = sizes.map((_, at) => costText(rounds.map((points) => points[at]?.[what] ?? {})));
    const bounds = verdicts.filter(({ bound }) => bound.what === what).map(textOf);
    return [kind, what, ...cells, bounds.join('; ')];
  });
  const heads = sizes.map((size) => `${size.toLocaleString('en-US')} ${curve.of}`);
  return table(['storage', 'operation', ...heads, 'bounds'], rows);
}

function costText(costs: readonly Point[string][]): string {
  return units
    .flatMap((unit) => {
      const values = costs.flatMap((cost) => cost[unit] ?? []);
      return values.length === 0 ? [] : [`${numberText(median(values), unit)} ${unit}`];
    })
    .join(', ');
}

function numberText(value: number, unit: Unit): string {
  const digits = Math.abs(value) >= 100 || unit === 'bytes' ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

function textOf({ bound: { kind, bound, unit = 'µs', least }, value, isMet }: Verdict): string {
  const what = kind === 'value' ? '' : `${kind === 'growth' ? 'growth' : `÷ ${kind.beside}`} `;
  const shown = kind === 'value' ? `${numberText(value, unit)} ${unit}` : `${value.toFixed(2)} of ${unit}`;
  return `${what}${shown}, at ${least ? 'least' : 'most'} ${bound}: ${isMet ? 'met' : 'MISSED'}`;
}
