/** The longest duration that is accepted: 100 years, so that any time plus any duration still is an RFC 3339 timestamp. */
export const maxDurationMs = 36_525 * 86_400_000;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Designators in the order they must have. A year is 365 days and a month 30: durations here are lengths, not calendar arithmetic. */
const dateUnits = { Y: 365 * day, M: 30 * day, W: 7 * day, D: day } as const;
const timeUnits = { H: hour, M: minute, S: second } as const;

/** Longer texts can not be a duration within {@link maxDurationMs} that anybody would write. */
const maxLength = 64;
const component = /([0-9]+)(?:\.([0-9]+))?([YMWDHS])/y;

/**
 * An ISO 8601 duration in milliseconds, rounded to one, never down to nothing; null where it is none or beyond {@link maxDurationMs}.
 * Only the last component may have a fraction (digest §1.5, X6).
 */
export function parseDuration(text: string): number | null {
  if (text.length > maxLength || text[0] !== 'P') return null;
  let ms = 0;
  let at = 1;
  let units: readonly (readonly [string, number])[] = Object.entries(dateUnits);
  let inTime = false;
  let components = 0;
  let fraction = false;
  while (at < text.length) {
    if (text[at] === 'T') {
      if (inTime) return null;
      inTime = true;
      units = Object.entries(timeUnits);
      components = 0;
      at++;
      continue;
    }
    component.lastIndex = at;
    const match = component.exec(text);
    if (match === null || fraction) return null;
    const index = units.findIndex(([designator]) => designator === match[3]);
    const unit = units[index];
    if (unit === undefined) return null;
    units = units.slice(index + 1);
    fraction = match[2] !== undefined;
    ms += Number(fraction ? `${match[1]}.${match[2]}` : match[1]) * unit[1];
    components++;
    at = component.lastIndex;
  }
  if (components === 0) return null;
  return bounded(ms);
}

function bounded(ms: number): number | null {
  const rounded = ms > 0 ? Math.max(1, Math.round(ms)) : 0;
  return rounded <= maxDurationMs ? rounded : null;
}

const shortUnits: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', second],
  ['m', minute],
  ['h', hour],
  ['d', day],
]);
const short = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$/;

/** A duration as the SDK takes it: a number of milliseconds, `'200ms'`, `'5s'`, `'1.5h'`, `'1d'` or ISO 8601. In milliseconds, null where it is none. */
export function readDuration(value: number | string): number | null {
  if (typeof value === 'number') return value >= 0 ? bounded(value) : null;
  if (value.length > maxLength) return null;
  const match = short.exec(value);
  if (match === null) return parseDuration(value);
  const unit = shortUnits.get(match[2] ?? '');
  return unit === undefined ? null : bounded(Number(match[1]) * unit);
}
