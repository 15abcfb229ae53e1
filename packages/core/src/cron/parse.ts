import { readDates, readWeekdays } from './day-fields.ts';
import { hour, minute, month, type Refuse, readField, refuseAt, second } from './fields.ts';
import { readInterval } from './interval.ts';
import type { CronSchedule } from './schedule.ts';

/** No schedule that a person would write is longer; it bounds the work of an expression. */
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
 * Reads a cron expression (ojs-cron §3, §4): five fields, six with the second first, an alias such as `@daily`, or `@every 1h30m`.
 *
 * Fields take `*`, values, `a-b`, `/step`, lists, month and weekday names; day of month also `L`, `L-3`, `15W`, `LW`; day of week `5L`, `5#3`.
 * A day must match both day fields, or only one of them where neither begins with `*`.
 *
 * @param at JSONPath of the expression, for the message.
 * @throws ProtocolError `invalid_request` that names the field, what is wrong and what was expected.
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
    `${JSON.stringify(expression)} is no alias; expected ${[...aliases.keys()].join(', ')}, or @every and a duration such as 1h30m`,
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
      `cron expression with ${tokens.length} field${tokens.length === 1 ? '' : 's'}; expected 5 (minute, hour, day of month, month, day of week) or 6 with the second first`,
    );
  }
  // In the order of the text, so that the first wrong field is the one that is named.
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
