import type { Family, Labels } from '../../engine/telemetry/series.ts';

/** The text format of Prometheus (0.0.4), or OpenMetrics 1.0.0. */
export type Format = 'text' | 'openmetrics';

export function exposition(families: readonly Family[], format: Format): string {
  const lines: string[] = [];
  for (const family of families) {
    lines.push(...headOf(family, format));
    if (family.kind === 'histogram') {
      const bounds = [...family.bounds.map((bound) => boundText(bound, format)), '+Inf'];
      for (const { labels, cumulative, sum } of family.samples) {
        const named = labelsText(labels);
        const open = `${family.name}_bucket{${named}${named === '' ? '' : ','}le="`;
        for (const [at, bound] of bounds.entries()) lines.push(`${open}${bound}"} ${cumulative[at] ?? 0}`);
        const closed = named === '' ? '' : `{${named}}`;
        lines.push(`${family.name}_sum${closed} ${numberText(sum)}`);
        lines.push(`${family.name}_count${closed} ${cumulative.at(-1) ?? 0}`);
      }
    } else {
      for (const { labels, value } of family.samples) {
        const named = labelsText(labels);
        lines.push(`${family.name}${named === '' ? '' : `{${named}}`} ${numberText(value)}`);
      }
    }
  }
  if (format === 'openmetrics') lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

/** In OpenMetrics a counter is named without its suffix here, and units are told. */
function headOf({ name, help, kind }: Family, format: Format): readonly string[] {
  const family = format === 'openmetrics' && kind === 'counter' ? name.replace(/_total$/, '') : name;
  const unit = format === 'openmetrics' ? /_(seconds|bytes)$/.exec(family)?.[1] : undefined;
  return [
    `# HELP ${family} ${escaped(help, format === 'openmetrics')}`,
    `# TYPE ${family} ${kind}`,
    ...(unit === undefined ? [] : [`# UNIT ${family} ${unit}`]),
  ];
}

function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value, true)}"`)
    .join(',');
}

function escaped(text: string, quotes: boolean): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return quotes ? plain.replaceAll('"', '\\"') : plain;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** In OpenMetrics a bound is a float, and says so. */
function boundText(bound: number, format: Format): string {
  return format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
