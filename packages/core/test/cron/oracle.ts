import { nextRun, parseCron, skippedRuns } from '../../src/cron/index.ts';

/*
 * A second reading of ojs-cron, made to be plain instead of fast and sharing nothing with the first: an expression is a
 * set of yes-or-no questions about one local time, a zone is what Intl prints minute by minute. A minute runs where all
 * questions say yes and its local time has not been before.
 */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What an expression says about each local time. */
export interface Reading {
  readonly text: string;
  readonly seconds: readonly number[];
  /** 1 for each minute of the day that matches. */
  readonly minutes: Uint8Array;
  readonly day: (year: number, month: number, date: number, weekday: number) => boolean;
}

const monthNames = ['', 'JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

export function readingOf(text: string): Reading {
  const fields = text.trim().toUpperCase().split(/\s+/);
  const [second = '', minute = '', hour = '', date = '', month = '', weekday = ''] =
    fields.length === 5 ? ['0', ...fields] : fields;
  const minutes = new Uint8Array(1440);
  for (let m = 0; m < 1440; m++) minutes[m] = says(hour, Math.floor(m / 60), 23) && says(minute, m % 60, 59) ? 1 : 0;
  const months = numbered(month, monthNames);
  const weekdays = numbered(weekday.replace('SUN-SUN', '0').replace(/-SUN/g, '-7'), weekdayNames);
  return {
    text,
    seconds: Array.from({ length: 60 }, (_, s) => s).filter((s) => says(second, s, 59)),
    minutes,
    day(y, m, d, w) {
      if (!says(months, m, 12)) return false;
      const byDate = saysDate(date, y, m, d);
      const byWeekday = saysWeekday(weekdays, y, m, d, w);
      return date[0] === '*' || weekday[0] === '*' ? byDate && byWeekday : byDate || byWeekday;
    },
  };
}

function numbered(field: string, names: readonly string[]): string {
  return names.reduce((text, name, value) => (name === '' ? text : text.replaceAll(name, String(value))), field);
}

function says(field: string, value: number, max: number): boolean {
  return field.split(',').some((item) => {
    const [body = '', step] = item.split('/');
    if (body === '*') return (value - (max === 12 || max === 31 ? 1 : 0)) % Number(step ?? 1) === 0;
    const [from, to = step === undefined ? from : max] = body.split('-').map(Number);
    return (
      from !== undefined && to !== undefined && value >= from && value <= to && (value - from) % Number(step ?? 1) === 0
    );
  });
}

function lengthOf(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function saysDate(field: string, year: number, month: number, date: number): boolean {
  const length = lengthOf(year, month);
  const workdays = field.includes('W') ? workdaysOf(year, month) : [];
  return field.split(',').some((item) => {
    if (item === 'L') return date === length;
    if (item === 'LW') return date === workdays.at(-1);
    if (item.startsWith('L-')) return date === length - Number(item.slice(2));
    if (!item.endsWith('W')) return says(item, date, 31);
    const wanted = Number(item.slice(0, -1));
    const nearest = [...workdays].sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))[0];
    return wanted <= length && date === nearest;
  });
}

function workdaysOf(year: number, month: number): readonly number[] {
  return Array.from({ length: lengthOf(year, month) }, (_, index) => index + 1).filter((date) => {
    const weekday = new Date(Date.UTC(year, month - 1, date)).getUTCDay();
    return weekday !== 0 && weekday !== 6;
  });
}

function saysWeekday(field: string, year: number, month: number, date: number, weekday: number): boolean {
  return field.split(',').some((item) => {
    if (item.endsWith('L')) return Number(item.slice(0, -1)) % 7 === weekday && date + 7 > lengthOf(year, month);
    const [day, nth] = item.split('#');
    if (nth !== undefined) return Number(day) % 7 === weekday && Math.ceil(date / 7) === Number(nth);
    if (item.startsWith('7/')) return says(`0${item.slice(1)}`, weekday, 6);
    return says(item, weekday, 6) || (weekday === 0 && says(item, 7, 6) && !item.includes('*'));
  });
}

/** What Intl prints for a moment, in numbers. */
export interface Local {
  readonly year: number;
  readonly month: number;
  readonly date: number;
  readonly weekday: number;
  readonly minute: number;
  readonly second: number;
}

export function localOf(zone: string): (at: number) => Local {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    weekday: 'short',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (at) => {
    let [year, month, date, weekday, minute, second] = [0, 0, 0, 0, 0, 0];
    for (const { type, value } of format.formatToParts(at)) {
      if (type === 'year') year = Number(value);
      else if (type === 'month') month = Number(value);
      else if (type === 'day') date = Number(value);
      else if (type === 'weekday') weekday = weekdayNames.indexOf(value.toUpperCase());
      else if (type === 'hour') minute += Number(value) * 60;
      else if (type === 'minute') minute += Number(value);
      else if (type === 'second') second = Number(value);
    }
    return { year, month, date, weekday, minute, second };
  };
}

/** Days since 1970 of a date. */
function dayOf({ year, month, date }: Local): number {
  return Date.UTC(year, month - 1, date) / dayMs;
}

/** A stretch of a zone's time, minute by minute. */
export interface Stretch {
  readonly zone: string;
  readonly from: number;
  readonly minuteOfDay: Uint16Array;
  /** Days since 1970; negative where the local time has been before. */
  readonly day: Int32Array;
  /** Local times that did not exist, in minutes since 1970, with the moment that they would have been at. */
  readonly missing: readonly { readonly wall: number; readonly at: number }[];
}

/** No zone has repeated more than 3 hours since 2018 (Antarctica/Casey); the tests look at it. */
export const leadMs = 4 * hourMs;

/** @param from a whole minute. @param lead how far back a repeated local time is looked for. */
export function stretchOf(zone: string, from: number, to: number, lead = leadMs, local = localOf(zone)): Stretch {
  const length = (to - from) / minuteMs;
  const minuteOfDay = new Uint16Array(length);
  const day = new Int32Array(length);
  const missing: { wall: number; at: number }[] = [];
  const seen = new Set<number>();
  let last = Number.NaN;
  for (let at = from - lead; at < to; at += minuteMs) {
    const now = local(at);
    if (now.second !== 0) throw new Error(`${zone} is no whole minutes from UTC at ${new Date(at).toISOString()}`);
    const today = dayOf(now);
    const wall = today * 1440 + now.minute;
    for (let gap = last + 1; gap < wall; gap++) missing.push({ wall: gap, at: at + (gap - last - 1) * minuteMs });
    last = wall;
    const index = (at - from) / minuteMs;
    if (index >= 0) {
      minuteOfDay[index] = now.minute;
      day[index] = seen.has(wall) ? -1 : today;
    }
    seen.add(wall);
  }
  return { zone, from, minuteOfDay, day, missing };
}

/** The days from 1970 on that an expression matches, for the years asked for. */
export function daysOf({ day }: Reading, fromYear: number, toYear: number): Uint8Array {
  const last = Date.UTC(toYear, 11, 31) / dayMs;
  const days = new Uint8Array(last + 1);
  for (let n = Date.UTC(fromYear, 0, 1) / dayMs; n <= last; n++) {
    const date = new Date(n * dayMs);
    days[n] = day(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay()) ? 1 : 0;
  }
  return days;
}

/** An expression under test: the schedule that we made of it, and what the oracle says. */
export interface Subject {
  readonly reading: Reading;
  readonly schedule: ReturnType<typeof parseCron>;
  readonly days: Uint8Array;
}

export function subjectOf(text: string, fromYear = 2017, toYear = 2031): Subject {
  const reading = readingOf(text);
  return { reading, schedule: parseCron(text), days: daysOf(reading, fromYear, toYear) };
}

/** Follows the runs through a stretch and answers how many there were; throws at the first difference. */
export function follow({ reading, schedule, days }: Subject, { zone, from, minuteOfDay, day }: Stretch): number {
  const { minutes, seconds } = reading;
  let runs = 0;
  let next = nextRun(schedule, zone, from - 1);
  for (let index = 0; index < day.length; index++) {
    const today = day[index] ?? -1;
    if (today < 0 || minutes[minuteOfDay[index] ?? 0] === 0 || days[today] === 0) continue;
    for (const second of seconds) {
      const at = from + index * minuteMs + second * 1000;
      if (next !== at) throw new Error(differ(reading.text, zone, at, next));
      next = nextRun(schedule, zone, at);
      runs++;
    }
  }
  if (next !== null && next < from + day.length * minuteMs) throw new Error(differ(reading.text, zone, null, next));
  return runs;
}

/** Compares the skipped runs of a stretch and answers how many there were. */
export function followSkipped({ reading, schedule, days }: Subject, { zone, from, day, missing }: Stretch): number {
  const to = from + day.length * minuteMs;
  const expected = missing
    .filter(({ wall }) => reading.minutes[wall % 1440] === 1 && days[Math.floor(wall / 1440)] === 1)
    .flatMap(({ wall, at }) =>
      reading.seconds.map((second) => ({ wall: wall * minuteMs + second * 1000, at: at + second * 1000 })),
    )
    .filter(({ at }) => at > from && at <= to)
    .map(({ wall, at }) => ({ local: new Date(wall).toISOString().slice(0, 19), at }));
  const found = skippedRuns(schedule, zone, from, to, expected.length + 10);
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${reading.text} in ${zone}: skipped ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
  }
  return expected.length;
}

function differ(text: string, zone: string, expected: number | null, found: number | null): string {
  const iso = (at: number | null) => (at === null ? 'none' : new Date(at).toISOString());
  return `${text} in ${zone}: expected ${iso(expected)}, found ${iso(found)}`;
}

export interface Change {
  readonly at: number;
  readonly shiftMs: number;
}

/** The offset changes of a zone, found by looking every 12 hours. */
export function changesOf(zone: string, from: number, to: number): readonly Change[] {
  const local = localOf(zone);
  const offset = (at: number) => {
    const now = local(at);
    return dayOf(now) * dayMs + now.minute * minuteMs + now.second * 1000 - at;
  };
  const changes: Change[] = [];
  let before = offset(from);
  for (let at = from; at < to; at += 12 * hourMs) {
    const after = offset(at);
    if (after === before) continue;
    let [low, high] = [at - 12 * hourMs, at];
    while (high - low > minuteMs) {
      const middle = low + Math.round((high - low) / 2 / minuteMs) * minuteMs;
      if (offset(middle) === before) low = middle;
      else high = middle;
    }
    changes.push({ at: high, shiftMs: after - before });
    before = after;
  }
  return changes;
}

/** Repeatable numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
