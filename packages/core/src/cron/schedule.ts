import { type DayRule, daysOf, monthOf } from './days.ts';
import { month } from './fields.ts';

/** When a cron job fires, as {@link parseCron} read it from an expression. */
export type CronSchedule = CalendarSchedule | IntervalSchedule;

/** Fires when the local time matches every field (ojs-cron §3). The lists are sorted and have no duplicates. */
export interface CalendarSchedule {
  readonly kind: 'calendar';
  readonly expression: string;
  /** 0-59; `[0]` for an expression of five fields. */
  readonly seconds: readonly number[];
  /** 0-59. */
  readonly minutes: readonly number[];
  /** 0-23. */
  readonly hours: readonly number[];
  /** 1-12. */
  readonly months: readonly number[];
  readonly days: DayRule;
}

/** Fires at a fixed interval from the anchor, in any local time (`@every`, ojs-cron §4.1). */
export interface IntervalSchedule {
  readonly kind: 'interval';
  readonly expression: string;
  /** 1000 or more: schedules are evaluated at most once a second (ojs-cron §7.3). */
  readonly intervalMs: number;
}

/** 28 years with a leap year every four years have each weekday on each date. */
const years = Array.from({ length: 28 }, (_, index) => 2000 + index);

/**
 * Months without a matching day, such as the 31st of April: valid, but probably a mistake, so the server logs them
 * (ojs-cron §3.5).
 */
export function cronWarnings(schedule: CronSchedule): readonly string[] {
  if (schedule.kind === 'interval') return [];
  const without = schedule.months.filter((number) =>
    years.every((year) => daysOf(schedule.days, monthOf(year, number)) === 0),
  );
  if (without.length === 0) return [];
  const names = without.map((number) => month.names?.[number - 1]).join(', ');
  return [
    without.length === schedule.months.length
      ? `never runs: ${names} has no such day`
      : `does not run in ${names}: there is no such day`,
  ];
}
