import type { Family, Labels } from '../../engine/telemetry/series.ts';

/** The text format of Prometheus (0.0.4), or OpenMetrics 1.0.0. */
export type Format = 'text' | 'openmetrics';

/** How much is written at once, in characters: a millisecond of work. Between two pieces others have their turn. */
const pieceChars = 65_536;

/** The text in pieces, each made when it is asked for. */
export function* exposition(families: readonly Family[], format: Format): Generator<string> {
  let piece = '';
  for (const family of families) {
    piece += headOf(family, format);
    for (const lines of linesOf(family, format)) {
      piece += lines;
      if (piece.length < pieceChars) continue;
      yield piece;
      piece = '';
    }
  }
  yield format === 'openmetrics' ? `${piece}# EOF\n` : piece;
}

/** The lines of each sample. */
function* linesOf(family: Family, format: Format): Generator<string> {
  const { name } = family;
  if (family.kind !== 'histogram') {
    for (const { labels, value } of family.samples)
      yield `${name}${inBraces(labelsText(labels))} ${numberText(value)}\n`;
    return;
  }
  const ends = [...family.bounds.map((bound) => boundText(bound, format)), '+Inf'].map((bound) => `le="${bound}"} `);
  for (const { labels, cumulative, sum } of family.samples) {
    const named = labelsText(labels);
    const open = `${name}_bucket{${named}${named === '' ? '' : ','}`;
    let lines = '';
    for (const [at, end] of ends.entries()) lines += `${open}${end}${cumulative[at] ?? 0}\n`;
    const closed = inBraces(named);
    yield `${lines}${name}_sum${closed} ${numberText(sum)}\n${name}_count${closed} ${cumulative.at(-1) ?? 0}\n`;
  }
}

/** In OpenMetrics a counter is named without its suffix here, and units have their own line. */
function headOf({ name, help, kind }: Family, format: Format): string {
  const family = format === 'openmetrics' && kind === 'counter' ? name.replace(/_total$/, '') : name;
  const unit = format === 'openmetrics' ? /_(seconds|bytes)$/.exec(family)?.[1] : undefined;
  const head = `# HELP ${family} ${escaped(help, format === 'openmetrics')}\n# TYPE ${family} ${kind}\n`;
  return unit === undefined ? head : `${head}# UNIT ${family} ${unit}\n`;
}

function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value, true)}"`)
    .join(',');
}

function inBraces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

const special = /[\\\n"]/;

function escaped(text: string, quotes: boolean): string {
  if (!special.test(text)) return text;
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
