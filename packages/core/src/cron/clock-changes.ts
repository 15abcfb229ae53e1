import type { Millis } from '../time/clock.ts';
import { nextWall, type Wall } from './calendar.ts';
import { type Offsets, offsetsNear } from './offsets.ts';
import type { CalendarSchedule, CronSchedule } from './schedule.ts';

/** A change of the clocks on a day on which a schedule would run, and what becomes of its runs (ojs-cron §5.2). */
export interface ClockChange {
  readonly at: Millis;
  /** Local time minus UTC before and after the change, in milliseconds. */
  readonly before: Millis;
  readonly after: Millis;
  /** Local times of runs that do not exist, so they are skipped; in order, the first {@link maxLocalTimes}. */
  readonly skipped: readonly string[];
  readonly skippedCount: number;
  /** Local times of runs that occur twice, of which the second one does not run; as `skipped`. */
  readonly repeated: readonly string[];
  readonly repeatedCount: number;
}

/** A schedule with seconds has 3600 runs in an hour. */
export const maxLocalTimes = 20;

const day = 86_400_000;

/**
 * The changes of the clocks on the days of the runs with `from < at <= to`, in order. The time grows with the number of
 * days that have runs.
 *
 * @throws ProtocolError `invalid_request` if a calendar schedule has an unknown zone.
 */
export function clockChanges(schedule: CronSchedule, zone: string, from: Millis, to: Millis): readonly ClockChange[] {
  if (schedule.kind === 'interval' || zone === 'UTC') return [];
  const changes: ClockChange[] = [];
  const lastYear = new Date(to + day).getUTCFullYear();
  const dayOf = (wall: Wall) => Math.floor(wall / day) * day;
  let match = nextWall(schedule, dayOf(from - day), lastYear);
  while (match !== null && match <= to + day) {
    const start = dayOf(match);
    const change = changeOn(zone, start);
    if (change !== null && change.at > from - day && change.at <= to + day) {
      const found = effectOf(schedule, change, start, from, to);
      if (found !== null) changes.push(found);
    }
    match = nextWall(schedule, start + day, lastYear);
  }
  return changes;
}

/** The change at a local time of this day; null without one. */
function changeOn(zone: string, start: Wall): Offsets | null {
  for (const near of [start, start + day]) {
    const offsets = offsetsNear(zone, near);
    const { before, at, after } = offsets;
    const first = at + Math.min(before, after);
    if (first >= start && first < start + day) return offsets;
  }
  return null;
}

/** Null where the day has no run, also no skipped one, within the span. */
function effectOf(
  schedule: CalendarSchedule,
  { before, at, after }: Offsets,
  start: Wall,
  from: Millis,
  to: Millis,
): ClockChange | null {
  const [first, end] = [at + Math.min(before, after), at + Math.max(before, after)];
  const isForward = after > before;
  const names: string[] = [];
  let count = 0;
  let isTouched = false;
  const until = Math.max(start + day, end);
  const lastYear = new Date(until).getUTCFullYear();
  for (let wall = nextWall(schedule, start, lastYear); wall !== null && wall < until; ) {
    // A skipped run would have been at the old offset, and of two the first one runs.
    const run = wall - (wall < end ? before : after);
    const isWithin = run > from && run <= to;
    if (isWithin) isTouched = true;
    if (isWithin && wall >= first && wall < end) {
      count += 1;
      if (names.length < maxLocalTimes) names.push(new Date(wall).toISOString().slice(0, 19));
    }
    wall = nextWall(schedule, wall + 1000, lastYear);
  }
  if (!isTouched) return null;
  const none = { skipped: [], skippedCount: 0, repeated: [], repeatedCount: 0 };
  const effect = isForward ? { skipped: names, skippedCount: count } : { repeated: names, repeatedCount: count };
  return { at, before, after, ...none, ...effect };
}
