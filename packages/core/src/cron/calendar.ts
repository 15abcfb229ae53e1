import type { Millis } from '../time/clock.ts';
import { daysOf, monthOf } from './days.ts';
import type { CalendarSchedule } from './schedule.ts';

/** A local time as the milliseconds since 1970-01-01T00:00:00 on the same clock: calendar arithmetic without a zone. */
export type Wall = Millis;

const dayMs = 86_400_000;

/**
 * The first matching local time at or after `from`, whether or not it exists in a zone; null if there is none up to the
 * end of `lastYear`. Walks years, months and days, never minutes.
 *
 * @param from a whole second.
 */
export function nextWall(schedule: CalendarSchedule, from: Wall, lastYear: number): Wall | null {
  const start = new Date(from);
  const startYear = start.getUTCFullYear();
  const startMonth = start.getUTCMonth() + 1;
  const startDay = Math.floor(from / dayMs);
  const timeLeft = timeFrom(schedule, start.getUTCHours(), start.getUTCMinutes(), start.getUTCSeconds());
  for (let year = startYear; year <= lastYear; year++) {
    for (const number of schedule.months) {
      if (year === startYear && number < startMonth) continue;
      const month = monthOf(year, number);
      let days = daysOf(schedule.days, month);
      if (month.firstDay <= startDay) days &= -1 << (startDay - month.firstDay + (timeLeft === null ? 1 : 0));
      if (days === 0) continue;
      const day = month.firstDay + 31 - Math.clz32(days & -days);
      return day * dayMs + (day === startDay ? (timeLeft ?? 0) : timeOf(schedule, 0, 0, 0));
    }
  }
  return null;
}

/** The first matching time of a day at or after a time, in milliseconds since midnight; null where none is left. */
function timeFrom(schedule: CalendarSchedule, hour: number, minute: number, second: number): Millis | null {
  const seconds = indexFrom(schedule.seconds, second);
  const minutes = indexFrom(schedule.minutes, minute);
  const hours = indexFrom(schedule.hours, hour);
  if (schedule.hours[hours] !== hour) return hours < schedule.hours.length ? timeOf(schedule, hours, 0, 0) : null;
  if (schedule.minutes[minutes] === minute && seconds < schedule.seconds.length)
    return timeOf(schedule, hours, minutes, seconds);
  const later = schedule.minutes[minutes] === minute ? minutes + 1 : minutes;
  if (later < schedule.minutes.length) return timeOf(schedule, hours, later, 0);
  return hours + 1 < schedule.hours.length ? timeOf(schedule, hours + 1, 0, 0) : null;
}

function timeOf(schedule: CalendarSchedule, hours: number, minutes: number, seconds: number): Millis {
  return (
    ((schedule.hours[hours] ?? 0) * 3600 + (schedule.minutes[minutes] ?? 0) * 60 + (schedule.seconds[seconds] ?? 0)) *
    1000
  );
}

/** Index of the first value that is at least `least`; the length where there is none. */
function indexFrom(values: readonly number[], least: number): number {
  let index = 0;
  while (index < values.length && (values[index] ?? 0) < least) index++;
  return index;
}
