import type { Format } from './exposition.ts';

export interface Chosen {
  readonly format: Format;
  readonly mediaType: string;
}

const text: Chosen = { format: 'text', mediaType: 'text/plain; version=0.0.4; charset=utf-8' };
/** For a client that asks for just this and may compare it byte for byte, as the official cases do. */
const bareText: Chosen = { format: 'text', mediaType: 'text/plain' };
const openMetrics: Chosen = {
  format: 'openmetrics',
  mediaType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

interface Range {
  readonly type: string;
  readonly version: string | undefined;
  readonly q: number;
}

/**
 * The format that an `Accept` prefers (RFC 9110 §12.5.1): OpenMetrics if its weight is larger than that of the text
 * format, and the text format for everything else.
 */
export function chosenBy(accept: string | undefined): Chosen {
  const ranges = rangesOf(accept ?? '*/*');
  const ofText = weightOf(ranges, 'text/plain', '0.0.4');
  if (weightOf(ranges, 'application/openmetrics-text', '1.0.0') > ofText) return openMetrics;
  return accept?.trim().toLowerCase() === 'text/plain' ? bareText : text;
}

const byName: ReadonlyMap<string, Chosen> = new Map([
  ['prometheus', text],
  ['openmetrics', openMetrics],
]);
export const formatNames: readonly string[] = [...byName.keys()];

export function chosenByName(name: string): Chosen | null {
  return byName.get(name) ?? null;
}

function rangesOf(accept: string): readonly Range[] {
  return accept.split(',').map((one) => {
    const [type = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    const value = (name: string) => parameters.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
    const q = Number(value('q') ?? 1);
    return { type, version: value('version')?.replaceAll('"', ''), q: q >= 0 && q <= 1 ? q : 0 };
  });
}

/** The weight of the most exact range that fits; 0 without one. */
function weightOf(ranges: readonly Range[], type: string, version: string): number {
  const group = `${type.split('/', 1)[0]}/*`;
  const exactness = (range: Range): number => {
    if (range.type === type) return range.version === undefined ? 3 : range.version === version ? 4 : 0;
    return range.type === group ? 2 : range.type === '*/*' ? 1 : 0;
  };
  const fitting = ranges.filter((range) => exactness(range) > 0);
  return fitting.toSorted((a, b) => exactness(b) - exactness(a))[0]?.q ?? 0;
}
