import { maxDurationMs } from '../time/duration.ts';
import { type Bits, bit, type DateRule, type WeekdayRule } from './days.ts';
import {
  dayOfMonth,
  dayOfWeek,
  fold,
  hour,
  itemsOf,
  minute,
  month,
  numberOf,
  type Refuse,
  readField,
  readItem,
  refuseAt,
  second,
} from './fields.ts';
import type { CronSchedule } from './schedule.ts';

/** A bound for the work on an expression. No useful schedule is longer. */
const maxLength = 256;

const aliases: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

/**
 * Reads a cron expression (ojs-cron §3, §4): five fields, six with the second first, an alias such as `@daily`, or
 * `@every 1h30m`.
 *
 * Fields accept `*`, values, `a-b`, `/step`, lists, names of months and weekdays. The day of month also accepts `L`,
 * `L-3`, `15W`, `LW`; the day of week `5L`, `5#3`. A day must match both day fields, or only one of them if neither
 * begins with `*`.
 *
 * @param at JSONPath of the expression, for the message.
 * @throws ProtocolError `invalid_request` with the field, the mistake and what was expected.
 */
export function parseCron(expression: string, at = '$.cron'): CronSchedule {
  const refuse = refuseAt(at);
  if (expression.length > maxLength)
    refuse(null, `cron expression of ${expression.length} characters; expected at most ${maxLength}`);
  const tokens = expression.split(/\s+/).filter((token) => token !== '');
  const [first, ...rest] = tokens;
  if (first === undefined)
    return refuse(
      null,
      'empty cron expression; expected five fields such as 0 9 * * MON-FRI, or an alias such as @daily',
    );
  if (!first.startsWith('@')) return readFields(tokens, expression, refuse);
  const alias = aliases.get(first);
  if (alias !== undefined && rest.length === 0) return readFields(alias.split(' '), expression, refuse);
  const [duration] = rest;
  if (first === '@every' && duration !== undefined && rest.length === 1) {
    return { kind: 'interval', expression, intervalMs: readInterval(duration, refuse) };
  }
  return refuse(
    null,
    `${JSON.stringify(expression)} is no alias; expected ${[...aliases.keys()].join(', ')}, ` +
      'or @every and a duration such as 1h30m',
  );
}

function readFields(tokens: readonly string[], expression: string, refuse: Refuse): CronSchedule {
  const [seconds, minutes, hours, dates, months, weekdays] = tokens.length === 5 ? ['0', ...tokens] : tokens;
  if (
    tokens.length > 6 ||
    seconds === undefined ||
    minutes === undefined ||
    hours === undefined ||
    dates === undefined ||
    months === undefined ||
    weekdays === undefined
  ) {
    return refuse(
      null,
      `cron expression with ${tokens.length} field${tokens.length === 1 ? '' : 's'}; ` +
        'expected 5 (minute, hour, day of month, month, day of week) or 6 with the second first',
    );
  }
  // In the order of the text, so that the message names the first wrong field.
  const times = {
    seconds: readField(seconds, second, refuse),
    minutes: readField(minutes, minute, refuse),
    hours: readField(hours, hour, refuse),
  };
  const date = readDates(dates, refuse);
  const numbers = readField(months, month, refuse);
  const weekday = readWeekdays(weekdays, refuse);
  const either = !dates.startsWith('*') && !weekdays.startsWith('*');
  return { kind: 'calendar', expression, ...times, months: numbers, days: { date, weekday, either } };
}

/** Day of month, with L and W (ojs-cron §3.3, CRON-S01). */
export function readDates(text: string, refuse: Refuse): DateRule {
  let dates: Bits = 0;
  const beforeLast: number[] = [];
  const nearest: number[] = [];
  let lastWorkday = false;
  for (const item of itemsOf(text, dayOfMonth, refuse)) {
    const last = /^L(?:-([0-9]+))?$/i.exec(item);
    const near = /^([0-9]+)W$/i.exec(item);
    if (last !== null) beforeLast.push(daysBefore(last[1] ?? '0', refuse));
    else if (near?.[1] !== undefined) nearest.push(numberOf(near[1], dayOfMonth, refuse));
    else if (/^LW$/i.test(item)) lastWorkday = true;
    else for (const date of readItem(item, dayOfMonth, refuse)) dates |= bit(date);
  }
  return { dates, beforeLast, nearest, lastWorkday };
}

function daysBefore(text: string, refuse: Refuse): number {
  const days = Number(text);
  return days < dayOfMonth.max
    ? days
    : refuse(dayOfMonth, `L-${text} is before any month begins; expected L-0 to L-30`);
}

/** Day of week, with L and # (ojs-cron §3.3, CRON-S01). */
export function readWeekdays(text: string, refuse: Refuse): WeekdayRule {
  let weekdays: Bits = 0;
  const last: number[] = [];
  const nth: { weekday: number; nth: number }[] = [];
  for (const item of itemsOf(text, dayOfWeek, refuse)) {
    const match = /^([A-Z0-9]+)(?:L|#([0-9]+))$/i.exec(item);
    if (match?.[1] === undefined) {
      for (const weekday of readItem(item, dayOfWeek, refuse)) weekdays |= bit(weekday + 1);
      continue;
    }
    const weekday = fold(numberOf(match[1], dayOfWeek, refuse), dayOfWeek);
    if (match[2] === undefined) last.push(weekday);
    else nth.push({ weekday, nth: occurrence(match[2], item, refuse) });
  }
  return { weekdays, last, nth };
}

function occurrence(text: string, item: string, refuse: Refuse): number {
  const nth = Number(text);
  return nth >= 1 && nth <= 5 ? nth : refuse(dayOfWeek, `no month has the weekday ${item}; expected #1 to #5`);
}

/** The server evaluates crons at most once a second. */
const minIntervalMs = 1_000;

const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/**
 * The duration of `@every` in milliseconds, written as in Go: `1h30m`, `1.5h` (ojs-cron §4.1). Less than a second is
 * refused, because crons are evaluated at most once a second (§7.3).
 */
export function readInterval(text: string, refuse: Refuse): number {
  if (!/^(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+$/.test(text)) {
    refuse(
      null,
      `${JSON.stringify(text)} is no duration of @every; ` +
        'expected hours, minutes, seconds or milliseconds such as 1h30m, 45s',
    );
  }
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/([0-9.]+)([a-z]+)/g))
    ms += Number(number) * (unitMs.get(unit ?? '') ?? Number.NaN);
  if (!(ms >= minIntervalMs && ms <= maxDurationMs))
    refuse(null, `@every ${text} is out of range; expected at least 1s and at most 100 years`);
  return Math.round(ms);
}
