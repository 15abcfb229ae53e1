import type { HistoryPoint } from '@ojs-ts/core/schemas';
import type { Series } from './chart.tsx';

/** A length of time that a reader chooses, and the periods that it is cut into. */
export interface Range {
  readonly name: string;
  readonly label: string;
  /** In milliseconds. */
  readonly length: number;
  readonly period: '1m' | '5m' | '1h';
}

const hour = 3_600_000;

export const ranges: readonly [Range, ...Range[]] = [
  { name: '1h', label: 'Last hour', length: hour, period: '1m' },
  { name: '6h', label: 'Last 6 hours', length: 6 * hour, period: '1m' },
  { name: '24h', label: 'Last 24 hours', length: 24 * hour, period: '5m' },
  { name: '7d', label: 'Last 7 days', length: 168 * hour, period: '1h' },
];

export function rangeOf(name: string | undefined): Range {
  return ranges.find((one) => one.name === name) ?? ranges[0];
}

export interface History {
  readonly times: readonly number[];
  readonly throughput: readonly Series[];
  readonly wait: readonly Series[];
  readonly run: readonly Series[];
}

/** The series of the charts, out of `GET /admin/stats/history`. */
export function historyOf(all: readonly HistoryPoint[]): History {
  const points = begun(all);
  const of = (value: (point: HistoryPoint) => number | null) => points.map(value);
  return {
    times: points.map(({ timestamp }) => Date.parse(timestamp)),
    throughput: [
      { label: 'Enqueued', tone: 'info', values: of((point) => point.enqueued) },
      { label: 'Completed', tone: 'good', values: of((point) => point.processed) },
      { label: 'Failed executions', tone: 'bad', values: of((point) => point.failed) },
    ],
    wait: [
      { label: 'p50', tone: 'info', values: of((point) => point.latency_p50_ms) },
      { label: 'p95', tone: 'warn', values: of((point) => point.latency_p95_ms) },
      { label: 'p99', tone: 'busy', values: of((point) => point.latency_p99_ms) },
    ],
    run: [
      { label: 'p50', tone: 'info', values: of((point) => point.duration_p50_ms) },
      { label: 'p95', tone: 'warn', values: of((point) => point.duration_p95_ms) },
      { label: 'p99', tone: 'busy', values: of((point) => point.duration_p99_ms) },
    ],
  };
}

/** Points that are always shown. */
const least = 15;

/** From the first job on: an empty hour before it would press the rest against the edge. */
function begun(points: readonly HistoryPoint[]): readonly HistoryPoint[] {
  const first = points.findIndex(
    ({ enqueued, started, processed, failed }) => enqueued + started + processed + failed > 0,
  );
  const from = first === -1 ? 0 : first - 1;
  return points.slice(Math.max(0, Math.min(from, points.length - least)));
}
