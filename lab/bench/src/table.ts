import type { Figure } from './run.ts';
import { median } from './statistics.ts';
import type { Latency, Rate } from './task.ts';

/** All runs of one scenario by one contestant. */
export interface Series {
  readonly scenario: string;
  /** Such as `embedded`, `http`, `plainjob`. */
  readonly who: string;
  readonly figures: readonly Figure[];
}

export function rateOf(series: Series): number {
  return median(
    series.figures
      .filter((figure): figure is Figure & Rate => figure.kind === 'rate')
      .map((figure) => figure.jobsPerSecond),
  );
}

export function latenciesOf(series: Series): readonly (Figure & Latency)[] {
  return series.figures.filter((figure): figure is Figure & Latency => figure.kind === 'latency');
}

/** Markdown; the first columns hold `texts`, the others numbers, to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], texts = 2): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number) =>
    column < texts ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column < texts ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** Throughput: medians of the runs, and their range. */
export function rateTable(all: readonly Series[]): string {
  const rows = all.flatMap((series) => {
    const rates = series.figures.filter((figure) => figure.kind === 'rate');
    if (rates.length === 0) return [];
    const of = (pick: (figure: Figure & Rate) => number | null) => middle(rates.map(pick));
    const speeds = rates.map(({ jobsPerSecond }) => jobsPerSecond);
    const parts = (['own', 'server', 'store'] as const).map((part) => of(({ cpu }) => cpu?.[part] ?? null));
    const whole = of(({ cpu }) => (cpu && cpu.own + (cpu.server ?? 0) + (cpu.store ?? 0)) || null);
    return [
      [
        series.scenario,
        series.who,
        perSecond(median(speeds)),
        range(speeds),
        ...[whole, ...parts].map(seconds),
        memoryOf(series),
      ],
    ];
  });
  const cpu = ['CPU s a 1,000 jobs', 'client', 'server', 'store'];
  return rows.length === 0 ? '' : table(['scenario', 'who', 'jobs/s', 'range', ...cpu, 'MiB'], rows);
}

/** Of all processes at once, the median of the runs. */
function memoryOf({ figures }: Series): string {
  const bytes = middle(figures.map(({ memoryBytes }) => memoryBytes));
  return bytes === null ? '' : mib(bytes);
}

/** The median of what there is; null where there is nothing. */
export function middle(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : median(there);
}

/** Microseconds a job as seconds a 1,000 jobs. */
function seconds(value: number | null): string {
  return value === null ? '' : (value / 1_000).toFixed(3);
}

/** CPU microseconds a job, medians of the runs; for a pair of checkouts the median ratio of their rounds too. */
export function cpuTable(all: readonly Series[]): string {
  const rows = all.flatMap((series) => {
    const other = all.find(({ scenario, who }) => scenario === series.scenario && who === `${series.who} against`);
    return (['own', 'server'] as const).flatMap((part) => {
      const own = cpuOf(series, part);
      if (own.length === 0) return [];
      const before = other === undefined ? [] : cpuOf(other, part);
      const ratios = own.flatMap((value, round) => value / (before[round] ?? Number.NaN));
      const ratio = before.length === 0 ? '' : median(ratios).toFixed(3);
      return [[series.scenario, series.who, part === 'own' ? 'client' : 'server', median(own).toFixed(1), ratio]];
    });
  });
  return rows.length === 0 ? '' : table(['scenario', 'who', 'process', 'CPU µs a job', 'ratio'], rows, 3);
}

function cpuOf({ figures }: Series, part: 'own' | 'server'): readonly number[] {
  return figures.flatMap((figure) => (figure.kind === 'rate' ? (figure.cpu?.[part] ?? []) : []));
}

/** Latencies: medians over the runs of each run's percentile. */
export function latencyTable(all: readonly Series[]): string {
  const rows = all
    .map((series) => ({ series, runs: latenciesOf(series) }))
    .filter(({ runs }) => runs.length > 0)
    .map(({ series, runs }) => {
      const of = (pick: (figure: Latency) => number) => ms(median(runs.map(pick)));
      return [
        series.scenario,
        series.who,
        of((run) => run.p50),
        of((run) => run.p99),
        of((run) => run.max),
        String(runs.length),
      ];
    });
  return rows.length === 0 ? '' : table(['scenario', 'who', 'p50 ms', 'p99 ms', 'max ms', 'runs'], rows);
}

export function perSecond(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function ms(value: number): string {
  return value.toFixed(2);
}

/** Lowest to highest. */
export function range(values: readonly number[]): string {
  return `${perSecond(Math.min(...values))}–${perSecond(Math.max(...values))}`;
}

export function verdict(target: string, met: boolean): string {
  return `${target}: ${met ? 'met' : 'MISSED'}`;
}

export function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
