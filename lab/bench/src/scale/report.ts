import type { Kept, Origin } from '../ledger.ts';
import { bendsOf, bendsReport } from '../page/bends.ts';
import type { Chart, Line } from '../page/chart.ts';
import { originLines } from '../page/origin.ts';
import { titles } from '../places.ts';
import type { Figure } from '../run.ts';
import type { StoreKind } from '../store.ts';
import { mib, ms, perSecond, rateOf, table } from '../table.ts';
import { type CostPoint, type Operation, operations } from './cost.ts';
import { type FieldName, fieldNames, fields } from './fields.ts';
import type { TransactionPoint } from './transaction.ts';

/** Drains: `x` workers of one server, or `x` servers on one store. */
export const drainNames = ['workers', 'servers'] as const;
export type DrainName = (typeof drainNames)[number];

export type ScalePoint = { readonly kind: StoreKind; readonly x: number } & (
  | { readonly curve: FieldName; readonly point: CostPoint }
  /** `warm`: workers and servers had a drain before, which was thrown away. Left out in older figures. */
  | { readonly curve: DrainName; readonly figure: Figure; readonly warm?: boolean }
  | { readonly curve: 'transaction'; readonly point: TransactionPoint }
);

type CurvePoint = Kept<ScalePoint>;

/** The charts by file name. */
export function scaleCharts(points: readonly CurvePoint[]): Readonly<Record<string, Chart>> {
  const charts: Record<string, Chart> = {};
  for (const name of fieldNames) {
    if (points.some(({ curve }) => curve === name)) charts[name] = costChart(points, name);
  }
  const drains = drainNames.filter((name) => points.some(({ curve }) => curve === name));
  if (drains.length > 0)
    charts.drain = {
      title: 'Jobs a second of a drain over HTTP',
      panels: drains.map((name) => ({ title: name, x: name, y: 'jobs/s', lines: drainLines(points, name) })),
    };
  return charts;
}

function costChart(points: readonly CurvePoint[], name: FieldName): Chart {
  return {
    title: `CPU of Node and store a job, where so many ${fields[name].of}`,
    panels: operations.map((operation) => ({
      title: operation,
      x: name,
      y: 'µs a job',
      lines: costLines(points, name, operation),
    })),
  };
}

function costLines(points: readonly CurvePoint[], name: FieldName, operation: Operation): readonly Line[] {
  return linesOf(points, name, (point) => {
    if (!('point' in point) || !('costs' in point.point)) return null;
    const { nodeUs, storeUs } = point.point.costs[operation];
    return nodeUs + (storeUs ?? 0);
  });
}

function drainLines(points: readonly CurvePoint[], name: DrainName): readonly Line[] {
  return linesOf(points, name, (point) =>
    'figure' in point ? rateOf({ scenario: name, who: point.kind, figures: [point.figure] }) : null,
  );
}

function linesOf(
  points: readonly CurvePoint[],
  name: string,
  read: (point: CurvePoint) => number | null,
): readonly Line[] {
  const mine = points.filter(({ curve }) => curve === name).toSorted((a, b) => a.x - b.x);
  return [...Map.groupBy(mine, ({ kind }) => kind)].map(([kind, some]) => ({
    name: titles[kind],
    points: some.flatMap((point) => {
      const y = read(point);
      return y === null ? [] : [{ x: point.x, y }];
    }),
  }));
}

/** The part of `lab/docs/benchmarks.md` about scale. */
export function scaleReport(points: readonly CurvePoint[]): string {
  if (points.length === 0) return 'Not measured yet.';
  const charts = Object.keys(scaleCharts(points)).map((name) => `![Curves: ${name}](curves/${name}.svg)`);
  const bends = [
    ...fieldNames.flatMap((name) =>
      operations.flatMap((operation) => bendsOf(`${operation}, ${name}`, costLines(points, name, operation), 'up')),
    ),
    ...drainNames.flatMap((name) => bendsOf(`drain, ${name}`, drainLines(points, name), 'down')),
  ];
  return [
    ...charts,
    '### Bends',
    bendsReport(bends),
    largestTable(points),
    ...points.flatMap((point) =>
      point.curve === 'transaction' ? [transactionReport(titles[point.kind], point.point)] : [],
    ),
    originLines(origins(points)),
  ].join('\n\n');
}

/** What the largest store of each curve takes. */
function largestTable(points: readonly CurvePoint[]): string {
  const largest = new Map<string, CurvePoint>();
  for (const point of points) {
    const key = JSON.stringify([point.curve, point.kind]);
    if ('point' in point && 'costs' in point.point && point.x >= (largest.get(key)?.x ?? 0)) largest.set(key, point);
  }
  const rows = [...largest.values()].flatMap(({ curve, kind, x, ...rest }) => {
    if (!('point' in rest) || !('costs' in rest.point)) return [];
    const { bytes, memoryBytes } = rest.point;
    return [
      [
        titles[kind],
        curve,
        perSecond(x),
        bytes === null ? '' : mib(bytes),
        memoryBytes === null ? '' : mib(memoryBytes),
      ],
    ];
  });
  return table(['storage', 'curve', 'most', 'store MiB', 'memory MiB'], rows);
}

function transactionReport(title: string, point: TransactionPoint): string {
  const { seconds, before, during, bytesBefore, bytesMost, bytesAfter } = point;
  const most = Math.max(...during.map(({ claimMs }) => claimMs));
  const mostUs = Math.max(...during.flatMap(({ storeUs }) => storeUs ?? []));
  const after = bytesAfter.map(mib).join(', ');
  return `### Beside an open transaction on ${title}

A transaction is open for ${seconds} s, while 500 jobs a second are enqueued, claimed, completed and removed.

- A claim of ten takes ${ms(before.claimMs)} ms before it, and at most ${ms(most)} ms beside it: ${(most / before.claimMs).toFixed(2)} times, wanted at most 2.${
    before.storeUs === null
      ? ''
      : `\n- PostgreSQL takes ${before.storeUs.toFixed(0)} µs of CPU a job before it, and at most ${mostUs.toFixed(0)} µs beside it: ${(mostUs / before.storeUs).toFixed(2)} times.`
  }
- The tables grow from ${mib(bytesBefore)} to ${mib(bytesMost)} MiB. After its end they have ${after} MiB, at four times until ${Math.round(seconds * 0.2)} s.`;
}

/** One entry for each store of a run, with its curves. */
function origins(points: readonly CurvePoint[]): readonly { readonly what: string; readonly origin: Origin }[] {
  const groups = Map.groupBy(points, ({ kind, origin }) => `${kind} ${JSON.stringify(origin)}`);
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const curves = [...new Set(members.map(({ curve }) => curve))].join(', ');
    return [{ what: `${titles[first.kind]} (${curves})`, origin: first.origin }];
  });
}
