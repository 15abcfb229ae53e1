import { parseDuration } from '@ojs-ts/core';

/** `2 min 3 s`, `450 ms`: a length of time in milliseconds. */
export function formatDuration(ms: number): string {
  const sign = ms < 0 ? '−' : '';
  const length = Math.abs(ms);
  if (length === 0) return '0 s';
  if (length < 1) return `${sign}${length.toFixed(1)} ms`;
  if (length < 1_000) return `${sign}${Math.round(length)} ms`;
  // `1 s` and not `1.0 s`: beside `30 s` it would look measured.
  if (length < 59_500)
    return `${sign}${length < 9_950 ? Number((length / 1_000).toFixed(1)) : Math.round(length / 1_000)} s`;
  const seconds = Math.round(length / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return sign + shown.map(([count, unit]) => `${count} ${unit}`).join(' ');
}

/** An ISO 8601 duration such as `PT5M`, in the same words; another text stays as it is. */
export function formatPeriod(text: string): string {
  const ms = parseDuration(text);
  return ms === null ? text : formatDuration(ms);
}

/** Behind `per`: `minute`, `15 min`. */
export function formatPer(text: string): string {
  const words = formatPeriod(text);
  return { '1 s': 'second', '1 min': 'minute', '1 h': 'hour', '1 d': 'day' }[words] ?? words;
}

/** `3 minutes ago`, `in 2 hours`. */
export function formatRelative(at: number, now: number): string {
  const ms = at - now;
  const size = Math.abs(ms);
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000],
  ] as const;
  const [unit, length] = units.find(([, least]) => size >= least) ?? ['second', 1_000];
  if (size < 1_000) return 'now';
  return relative.format(Math.trunc(ms / length), unit);
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'short' });

/** `2026-03-29 14:05:09.123`, in the given zone. */
export function formatAbsolute(at: number, zone: string, millis = false): string {
  const parts = formatOf(zone, millis).formatToParts(at);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  const fraction = millis ? `.${part('fractionalSecond')}` : '';
  return (
    `${part('year')}-${part('month')}-${part('day')} ` +
    `${part('hour')}:${part('minute')}:${part('second')}${fraction}`
  );
}

/** Making one takes longer than a hundred uses, and a list has hundreds of times. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string, millis: boolean): Intl.DateTimeFormat {
  const key = `${zone} ${millis}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    ...(millis && { fractionalSecondDigits: 3 as const }),
  });
  formats.set(key, made);
  return made;
}

export const localZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone;
