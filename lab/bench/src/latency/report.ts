import type { Kept } from '../ledger.ts';
import { originLines } from '../page/origin.ts';
import { titles } from '../places.ts';
import type { Figure } from '../run.ts';
import { median } from '../statistics.ts';
import type { StoreKind } from '../store.ts';
import { ms, perSecond, table } from '../table.ts';

export const loads = ['idle', 'steady', 'half'] as const;
export type Load = (typeof loads)[number];

export interface LatencyPoint {
  readonly kind: StoreKind;
  readonly who: string;
  /** `steady`: a rate that is the same for all. `half`: half of its own capacity. */
  readonly load: Load;
  /** Jobs a second; null where the queue is idle. */
  readonly rate: number | null;
  /** Of a run at a rate, and of the probe that decides on a capacity. */
  readonly seconds: number;
  /** The highest rate that it kept up with; null where nobody looked. */
  readonly capacity: number | null;
  readonly figures: readonly Figure[];
}

/** The part of `lab/docs/benchmarks.md` about latency. */
export function latencyReport(points: readonly Kept<LatencyPoint>[]): string {
  if (points.length === 0) return 'Not measured yet.';
  const common = points.filter(({ load }) => load !== 'half');
  const half = points.filter(({ load }) => load === 'half');
  const times = ['p50 ms', 'p99 ms', 'p99.9 ms', 'max ms'];
  const loads = table(
    ['storage', 'who', 'load', ...times],
    common.map((point) => [titles[point.kind], point.who, loadOf(point), ...timesOf(point)]),
    3,
  );
  const halves = table(
    ['storage', 'who', 'capacity jobs/s', 'half of it', ...times],
    half.map((point) => [
      titles[point.kind],
      point.who,
      perSecond(point.capacity ?? Number.NaN),
      perSecond(point.rate ?? Number.NaN),
      ...timesOf(point),
    ]),
  );
  return [
    ...(common.length === 0 ? [] : [loads]),
    half.length === 0 ? 'Half of the capacity is not measured yet.' : halves,
    originLines(points.map(({ load, origin }) => ({ what: load, origin }))),
  ].join('\n\n');
}

function loadOf({ rate, figures }: LatencyPoint): string {
  const behind = figures.some((figure) => figure.kind === 'paced' && figure.behind !== null);
  return rate === null ? 'idle' : `${perSecond(rate)} jobs/s${behind ? ', not kept up with' : ''}`;
}

/** Medians of the runs. */
function timesOf({ figures }: LatencyPoint): readonly string[] {
  const all = figures.filter((figure) => figure.kind === 'latency' || figure.kind === 'paced');
  const p999 = all.flatMap((figure) => (figure.kind === 'paced' ? [figure.p999] : []));
  return [
    ms(median(all.map(({ p50 }) => p50))),
    ms(median(all.map(({ p99 }) => p99))),
    p999.length === 0 ? '' : ms(median(p999)),
    ms(median(all.map(({ max }) => max))),
  ];
}
