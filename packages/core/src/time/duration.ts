/** The longest accepted duration: 100 years, so that any time plus any duration is still an RFC 3339 timestamp. */
export const maxDurationMs = 36_525 * 86_400_000;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** No duration within {@link maxDurationMs} needs a longer text. */
const maxLength = 64;

const n = '([0-9]+(?:[.][0-9]+)?)';
/** The numbers of a duration, in the order of their designators. */
const iso = new RegExp(`^P(?=.)(?:${n}Y)?(?:${n}M)?(?:${n}W)?(?:${n}D)?(?:T(?=.)(?:${n}H)?(?:${n}M)?(?:${n}S)?)?$`);
/** The milliseconds of each. A year is 365 days and a month 30: durations here are lengths, not calendar arithmetic. */
const lengths = [365 * day, 30 * day, 7 * day, day, hour, minute, second] as const;
/** Only the last component may have a fraction. */
const earlyFraction = /\.[0-9]+[A-Z]./;

/**
 * An ISO 8601 duration in milliseconds, rounded, at least 1 unless it is 0; null for any other text and beyond {@link
 * maxDurationMs} (ojs-retry §4).
 */
export function parseDuration(text: string): number | null {
  const match = text.length > maxLength || earlyFraction.test(text) ? null : iso.exec(text);
  if (match === null) return null;
  return bounded(lengths.reduce((ms, length, index) => ms + Number(match[index + 1] ?? 0) * length, 0));
}

function bounded(ms: number): number | null {
  const rounded = ms > 0 ? Math.max(1, Math.round(ms)) : 0;
  return rounded <= maxDurationMs ? rounded : null;
}

const shortUnits: Readonly<Record<string, number>> = { ms: 1, s: second, m: minute, h: hour, d: day };
const short = new RegExp(`^${n}(ms|[smhd])$`);

/**
 * A duration of the SDK's options in milliseconds: a number of milliseconds, `'200ms'`, `'5s'`, `'1.5h'`, `'1d'` or ISO
 * 8601. Null for anything else.
 */
export function readDuration(value: number | string): number | null {
  if (typeof value === 'number') return value >= 0 ? bounded(value) : null;
  if (value.length > maxLength) return null;
  const match = short.exec(value);
  if (match === null) return parseDuration(value);
  return bounded(Number(match[1]) * (shortUnits[match[2] ?? ''] ?? Number.POSITIVE_INFINITY));
}

/**
 * The ISO 8601 form in hours, minutes and seconds, such as PT0.1S or PT36H. Other implementations must read these
 * components, but need not read days.
 * @param ms a duration of 0 or more; fractions of a millisecond are rounded.
 */
export function formatDuration(ms: number): string {
  const whole = Math.round(ms);
  const hours = Math.floor(whole / hour);
  const minutes = Math.floor((whole % hour) / minute);
  const seconds = (whole % minute) / second;
  const text = `${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${seconds > 0 ? `${seconds}S` : ''}`;
  return `PT${text === '' ? '0S' : text}`;
}
