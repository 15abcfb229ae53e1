/** Sets of numbers as bits: bit 0 is the 1st of a month, or Sunday. */
export type Bits = number;

/** The day of month field. */
export interface DateRule {
  readonly dates: Bits;
  /** `L` is 0, `L-3` is 3: so many days before the last one. */
  readonly beforeLast: readonly number[];
  /** `15W`: the Monday to Friday nearest to that date, within the month. */
  readonly nearest: readonly number[];
  /** `LW`: the last Monday to Friday. */
  readonly lastWorkday: boolean;
}

/** The day of week field; 0 is Sunday. */
export interface WeekdayRule {
  readonly weekdays: Bits;
  /** `5L`: the last such weekday of the month. */
  readonly last: readonly number[];
  /** `5#3`: the third such weekday of the month. */
  readonly nth: readonly { readonly weekday: number; readonly nth: number }[];
}

export interface DayRule {
  readonly date: DateRule;
  readonly weekday: WeekdayRule;
  /** A day need match only one of the two: neither field begins with `*` (as in Vixie cron). */
  readonly either: boolean;
}

/** A month of the Gregorian calendar. */
export interface Month {
  /** Days from 1970-01-01 to its 1st. */
  readonly firstDay: number;
  readonly length: number;
  /** The weekday of its 1st; 0 is Sunday. */
  readonly firstWeekday: number;
}

const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
/** Days of a common year before each month. */
const before = lengths.map((_, month) => lengths.slice(0, month).reduce((sum, length) => sum + length, 0));
/** Days from 0001-01-01 to 1970-01-01. */
const epoch = 719_162;

/** @param month 1-12. */
export function monthOf(year: number, month: number): Month {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const past = year - 1;
  const leapDays = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400);
  const firstDay = past * 365 + leapDays + (before[month - 1] ?? 0) + (leap && month > 2 ? 1 : 0) - epoch;
  const weekday = (firstDay + 4) % 7; // 1970-01-01 was a Thursday
  return {
    firstDay,
    length: leap && month === 2 ? 29 : (lengths[month - 1] ?? 0),
    firstWeekday: weekday < 0 ? weekday + 7 : weekday,
  };
}

/** The days of a month that match. */
export function daysOf(rule: DayRule, month: Month): Bits {
  const dates = datesOf(rule.date, month);
  const weekdays = weekdaysOf(rule.weekday, month);
  return (rule.either ? dates | weekdays : dates & weekdays) & (0x7fffffff >>> (31 - month.length));
}

function datesOf(rule: DateRule, month: Month): Bits {
  let days = rule.dates;
  for (const offset of rule.beforeLast) if (offset < month.length) days |= bit(month.length - offset);
  for (const date of rule.nearest) if (date <= month.length) days |= bit(workdayNear(date, month));
  if (rule.lastWorkday) days |= bit(workdayNear(month.length, month));
  return days;
}

function weekdaysOf(rule: WeekdayRule, month: Month): Bits {
  const turned = (rule.weekdays >>> month.firstWeekday) | (rule.weekdays << (7 - month.firstWeekday));
  const week = turned & 0x7f;
  let days = week | (week << 7) | (week << 14) | (week << 21) | (week << 28);
  for (const weekday of rule.last) {
    const first = firstOn(weekday, month);
    days |= bit(first + 7 * Math.floor((month.length - first) / 7));
  }
  for (const { weekday, nth } of rule.nth) {
    const date = firstOn(weekday, month) + 7 * (nth - 1);
    if (date <= month.length) days |= bit(date);
  }
  return days;
}

function firstOn(weekday: number, month: Month): number {
  return 1 + ((weekday - month.firstWeekday + 7) % 7);
}

function workdayNear(date: number, month: Month): number {
  const weekday = (month.firstWeekday + date - 1) % 7;
  if (weekday === 6) return date > 1 ? date - 1 : date + 2;
  if (weekday === 0) return date < month.length ? date + 1 : date - 2;
  return date;
}

/** @param number counted from 1. */
export function bit(number: number): Bits {
  return 1 << (number - 1);
}
