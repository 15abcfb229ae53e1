import type { Millis } from '../time/clock.ts';
import { nextWall } from './calendar.ts';
import { offsetsNear } from './offsets.ts';
import type { CalendarSchedule, CronSchedule, IntervalSchedule } from './schedule.ts';

/** 29 February on a given weekday returns after 40 years at most (2088, 2128); nothing takes longer. */
export const horizonYears = 48;

/** First and last moment that RFC 3339 can write. */
const earliest = -62_167_219_200_000;
const latest = 253_402_300_799_999;
const lastYear = 9999;

/**
 * The first run strictly after `after`; null if there is none, as on 30 February or after the year 9999.
 *
 * A local time that does not exist does not run. A local time that occurs twice runs at its first occurrence (ojs-cron
 * §5.2, CRON-16, CRON-17). An interval counts from `anchor`, the registration or the last trigger, `after` by default
 * (§4.1), in any zone.
 *
 * @param zone as {@link checkZone} accepts it.
 * @throws ProtocolError `invalid_request` if a calendar schedule has an unknown zone.
 */
export function nextRun(schedule: CronSchedule, zone: string, after: Millis, anchor: Millis = after): Millis | null {
  if (!(after >= earliest && after <= latest)) return null;
  const at =
    schedule.kind === 'interval' ? nextInterval(schedule, after, anchor) : nextOnCalendar(schedule, zone, after);
  return at !== null && at <= latest ? at : null;
}

/** The next runs, at most `count`, each as {@link nextRun} gives it. */
export function nextRuns(
  schedule: CronSchedule,
  zone: string,
  after: Millis,
  count: number,
  anchor: Millis = after,
): readonly Millis[] {
  const runs: Millis[] = [];
  let at = nextRun(schedule, zone, after, anchor);
  while (at !== null && runs.length < count) {
    runs.push(at);
    at = nextRun(schedule, zone, at, anchor);
  }
  return runs;
}

function nextInterval({ intervalMs }: IntervalSchedule, after: Millis, anchor: Millis): Millis {
  return anchor + Math.max(1, Math.floor((after - anchor) / intervalMs) + 1) * intervalMs;
}

function nextOnCalendar(schedule: CalendarSchedule, zone: string, after: Millis): Millis | null {
  const from = (Math.floor(after / 1000) + 1) * 1000;
  const end = Math.min(new Date(from).getUTCFullYear() + horizonYears, lastYear);
  const now = offsetsNear(zone, from);
  // After a change, the local times up to `at + before` have passed: all of them, or those that now occur again.
  let wall = from < now.at ? from + now.before : Math.max(from + now.after, now.at + now.before);
  for (;;) {
    const match = nextWall(schedule, wall, end);
    if (match === null) return null;
    const { before, at, after: later } = offsetsNear(zone, match);
    if (match < at + before) return match - before;
    if (match >= at + later) return match - later;
    wall = at + later;
  }
}

/** A run that a change of the clocks left out: `cron.skipped` with the reason `dst_skip` (ojs-cron §9.2). */
export interface SkippedRun {
  /** The local time that did not exist, such as `2026-03-08T02:30:00`. */
  readonly local: string;
  /** When it would have been without the change of the clocks. */
  readonly at: Millis;
}

const day = 86_400_000;

/**
 * The runs whose local time did not exist, with `from < at <= to`, in order. Asked from one run to the next, this
 * returns each of them once. The cost grows with the time between the two (about 1 µs a day while the cache is empty),
 * not with the number of runs.
 *
 * @param limit of the answer, 100 by default: a schedule with seconds loses 3600 in one hour.
 * @throws ProtocolError `invalid_request` if a calendar schedule has an unknown zone.
 */
export function skippedRuns(
  schedule: CronSchedule,
  zone: string,
  from: Millis,
  to: Millis,
  limit = 100,
): readonly SkippedRun[] {
  if (schedule.kind === 'interval' || zone === 'UTC') return [];
  const skipped: SkippedRun[] = [];
  const lastYear = new Date(to + day).getUTCFullYear();
  let wall = Math.floor((from - day) / 1000) * 1000;
  while (skipped.length < limit) {
    const match = nextWall(schedule, wall, lastYear);
    if (match === null || match > to + day) break;
    const { before, at, after, until } = offsetsNear(zone, match);
    if (match < at + before) wall = Math.max(match + 1000, Math.min(at + before, until));
    else if (match >= at + after) wall = Math.max(match + 1000, until);
    else {
      const would = match - before;
      if (would > from && would <= to) skipped.push({ local: new Date(match).toISOString().slice(0, 19), at: would });
      wall = match + 1000;
    }
  }
  return skipped;
}
