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

/** The series of the charts, out of `GET /admin/stats/history`. */
export function historyOf(all: readonly HistoryPoint[]) {
  const points = begun(all);
  const series = (label: string, tone: Series['tone'], value: (point: HistoryPoint) => number | null): Series => ({
    label,
    tone,
    values: points.map(value),
  });
  return {
    times: points.map(({ timestamp }) => Date.parse(timestamp)),
    throughput: [
      series('Enqueued', 'info', (point) => point.enqueued),
      series('Completed', 'good', (point) => point.processed),
      series('Failed executions', 'bad', (point) => point.failed),
    ],
    wait: [
      series('p50', 'info', (point) => point.latency_p50_ms),
      series('p95', 'warn', (point) => point.latency_p95_ms),
      series('p99', 'busy', (point) => point.latency_p99_ms),
    ],
    run: [
      series('p50', 'info', (point) => point.duration_p50_ms),
      series('p95', 'warn', (point) => point.duration_p95_ms),
      series('p99', 'busy', (point) => point.duration_p99_ms),
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
