import type { Millis } from '../clock.ts';
import { nextWall } from './calendar.ts';
import { offsetsNear } from './offsets.ts';
import type { CronSchedule } from './schedule.ts';

/** A run that a change of the clocks left out: `cron.skipped` with the reason `dst_skip` (ojs-cron §9.2). */
export interface SkippedRun {
  /** The local time that did not exist, such as `2026-03-08T02:30:00`. */
  readonly local: string;
  /** When it would have been had the clocks not moved. */
  readonly at: Millis;
}

const day = 86_400_000;

/**
 * The runs whose local time did not exist, with `from < at <= to`, in order: asked for from one run to the next, each is told once.
 * The cost grows with the time between (about 1 µs a day where nothing is known yet), not with the runs in it.
 *
 * @param limit of the answer, 100 by default: a schedule with seconds loses 3600 in one hour.
 * @throws ProtocolError `invalid_request` where a calendar schedule has a zone that is none.
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
