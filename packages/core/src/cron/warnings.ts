import { daysOf, monthOf } from './days.ts';
import { month } from './fields.ts';
import type { CronSchedule } from './schedule.ts';

/** 28 years with one leap year in four: every kind of year there is, each weekday on each date. */
const years = Array.from({ length: 28 }, (_, index) => 2000 + index);

/** What is valid but perhaps not meant, for the server's log: months that never have a matching day, such as the 31st of April (ojs-cron §3.5). */
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
