import type { Millis } from './clock.ts';
import { parseDuration } from './duration.ts';

const pattern =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$/;

/** First and last moment that RFC 3339 can write: years 0000 to 9999. */
const earliest = -62_167_219_200_000;
const latest = 253_402_300_799_999;
const dayMs = 86_400_000;

/**
 * An RFC 3339 timestamp in milliseconds; null for any other text. The zone is mandatory (ojs-core §5.5.2), the date
 * must exist. A leap second (60, at the end of a UTC day) is the last millisecond of that day. Digits beyond the
 * millisecond are cut.
 */
export function parseTimestamp(text: string): Millis | null {
  if (text.length > 40) return null;
  const match = pattern.exec(text);
  if (match === null) return null;
  const part = (index: number) => Number(match[index] ?? 0);
  const [year, month, date, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  if (month < 1 || month > 12 || date < 1 || date > daysIn(year, month) || hour > 23 || minute > 59 || second > 60)
    return null;
  if (part(9) > 23 || part(10) > 59) return null;
  const leap = second === 60;
  const offset = (part(9) * 60 + part(10)) * 60_000 * (match[8] === '-' ? -1 : 1);
  const clock = (hour * 3600 + minute * 60 + (leap ? 59 : second)) * 1000;
  const ms =
    dayNumber(year, month, date) * dayMs +
    clock +
    (leap ? 999 : Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'))) -
    offset;
  if (leap && (ms + 1) % dayMs !== 0) return null;
  return ms >= earliest && ms <= latest ? ms : null;
}

/** A timestamp, or `+` and a duration from now (`+PT5S`), as the official cases send it. */
export function readTime(text: string, now: Millis): Millis | null {
  if (text[0] !== '+') return parseTimestamp(text);
  const ms = parseDuration(text.slice(1));
  return ms === null ? null : now + ms;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01. `Date.UTC` reads the years 0 to 99 as 1900 to 1999. */
function dayNumber(year: number, month: number, date: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, date) / dayMs;
}

const pairs = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));
let cachedDay = Number.NaN;
let cachedDate = '';
/** Jobs that came together or start together have the same times: the last two are kept. */
let last = { ms: Number.NaN, text: '' };
let before = last;

/**
 * RFC 3339 in UTC with milliseconds. Several times faster than `toISOString`, because the date is kept from one call to
 * the next.
 */
export function formatTimestamp(ms: Millis): string {
  if (ms === last.ms) return last.text;
  if (ms === before.ms) return before.text;
  before = last;
  last = { ms, text: textOf(ms) };
  return last.text;
}

function textOf(ms: Millis): string {
  const day = Math.floor(ms / dayMs);
  if (day !== cachedDay) {
    cachedDate = new Date(day * dayMs).toISOString().slice(0, 11);
    cachedDay = day;
  }
  const rest = ms - day * dayMs;
  const seconds = Math.floor(rest / 1000);
  const minutes = Math.floor(seconds / 60);
  const thousandths = rest - seconds * 1000;
  const fraction = thousandths < 100 ? `0${pairs[thousandths]}` : String(thousandths);
  return `${cachedDate}${pairs[Math.floor(minutes / 60)]}:${pairs[minutes % 60]}:${pairs[seconds % 60]}.${fraction}Z`;
}
