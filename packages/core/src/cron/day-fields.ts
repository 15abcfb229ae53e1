import { type Bits, bit, type DateRule, type WeekdayRule } from './days.ts';
import { dayOfMonth, dayOfWeek, fold, itemsOf, numberOf, type Refuse, readItem } from './fields.ts';

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
