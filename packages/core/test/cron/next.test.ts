import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextRun, nextRuns, parseCron } from '../../src/cron/index.ts';
import { checks } from '../support/runs.ts';
import { known, randomExpressions } from './expressions.ts';
import { localOf, readingOf } from './oracle.ts';

function runs(expression: string, zone: string, after: string, count: number): string[] {
  return nextRuns(parseCron(expression), zone, Date.parse(after), count).map((at) =>
    new Date(at).toISOString().replace('.000Z', 'Z'),
  );
}

describe('nextRun on the calendar', () => {
  test.each([
    // ojs-cron §10.1: 13:00 UTC in summer, 14:00 in winter
    ['0 9 * * MON-FRI', 'America/New_York', '2026-03-06T00:00:00Z', ['2026-03-06T14:00:00Z', '2026-03-09T13:00:00Z']],
    // T:L2-TZ-001
    ['0 9 * * *', 'Asia/Tokyo', '2026-01-01T00:00:00Z', ['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z']],
    ['*/5 * * * *', 'UTC', '2026-01-01T00:04:59.999Z', ['2026-01-01T00:05:00Z', '2026-01-01T00:10:00Z']],
    [
      '0 23 L * *',
      'America/Chicago',
      '2026-01-15T00:00:00Z',
      ['2026-02-01T05:00:00Z', '2026-03-01T05:00:00Z', '2026-04-01T04:00:00Z'],
    ],
    ['0 0 * * 5#3', 'UTC', '2026-01-01T00:00:00Z', ['2026-01-16T00:00:00Z', '2026-02-20T00:00:00Z']],
    // 15 August 2026 is a Saturday, 15 November 2026 a Sunday
    ['0 0 15W 8,11 *', 'UTC', '2026-01-01T00:00:00Z', ['2026-08-14T00:00:00Z', '2026-11-16T00:00:00Z']],
    // the nearest workday stays in the month: 1 August 2026 is a Saturday, 31 May 2026 a Sunday
    ['0 0 1W 8 *', 'UTC', '2026-01-01T00:00:00Z', ['2026-08-03T00:00:00Z']],
    ['0 0 31W,LW 2,5 *', 'UTC', '2026-01-01T00:00:00Z', ['2026-02-27T00:00:00Z', '2026-05-29T00:00:00Z']],
    // both day fields restricted: either (Vixie); one begins with *: both
    [
      '0 0 13 * 5',
      'UTC',
      '2026-01-01T00:00:00Z',
      ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z', '2026-01-13T00:00:00Z'],
    ],
    [
      '0 0 */2 * 1',
      'UTC',
      '2026-01-01T00:00:00Z',
      ['2026-01-05T00:00:00Z', '2026-01-19T00:00:00Z', '2026-02-09T00:00:00Z'],
    ],
    ['0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z', ['2104-02-29T00:00:00Z', '2108-02-29T00:00:00Z']],
    ['30 15 10 * * *', 'UTC', '2026-01-01T10:15:29Z', ['2026-01-01T10:15:30Z', '2026-01-02T10:15:30Z']],
    ['0 0 31 12 *', 'UTC', '9999-12-31T00:00:00Z', []],
  ])('%s in %s after %s', (expression, zone, after, expected) => {
    expect(runs(expression, zone, after, Math.max(1, expected.length))).toEqual(expected);
  });

  test.each([
    // CRON-16: 02:30 does not exist on 8 March
    ['30 2 * * *', 'America/New_York', '2026-03-07T00:00:00Z', ['2026-03-07T07:30:00Z', '2026-03-09T06:30:00Z']],
    ['30 1 29 3 *', 'Europe/London', '2026-01-01T00:00:00Z', ['2027-03-29T00:30:00Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-02T12:00:00Z', ['2026-10-02T15:45:00Z', '2026-10-04T15:15:00Z']],
    ['0 0 * * *', 'Africa/Cairo', '2026-04-22T12:00:00Z', ['2026-04-22T22:00:00Z', '2026-04-24T21:00:00Z']],
    ['0 12 30 12 *', 'Pacific/Apia', '2011-01-01T00:00:00Z', ['2012-12-29T22:00:00Z']],
    // CRON-17: 01:30 comes twice on 1 November, the first one in summer time
    ['30 1 * * *', 'America/New_York', '2026-11-01T00:00:00Z', ['2026-11-01T05:30:00Z', '2026-11-02T06:30:00Z']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T12:00:00Z', ['2026-04-04T14:45:00Z', '2026-04-05T15:15:00Z']],
    // nothing until the repeated hour is over, even where asked within it
    ['*/15 * * * *', 'America/New_York', '2026-11-01T05:30:00Z', ['2026-11-01T05:45:00Z', '2026-11-01T07:00:00Z']],
    ['*/15 * * * *', 'America/New_York', '2026-11-01T06:10:00Z', ['2026-11-01T07:00:00Z', '2026-11-01T07:15:00Z']],
    ['* * * * * *', 'America/New_York', '2026-11-01T06:00:00Z', ['2026-11-01T07:00:00Z', '2026-11-01T07:00:01Z']],
    // an offset with seconds: Monrovia was 44 min 30 s behind until 1972-01-07
    [
      '0 0 * * *',
      'Africa/Monrovia',
      '1972-01-04T12:00:00Z',
      ['1972-01-05T00:44:30Z', '1972-01-06T00:44:30Z', '1972-01-08T00:00:00Z'],
    ],
    ['30 44 0 * * *', 'Africa/Monrovia', '1972-01-06T12:00:00Z', ['1972-01-07T00:44:30Z', '1972-01-08T00:44:30Z']],
  ])('the clocks change: %s in %s after %s', (expression, zone, after, expected) => {
    expect(runs(expression, zone, after, expected.length)).toEqual(expected);
  });

  test.each([
    ['0 0 30 2 *', 'UTC'],
    ['0 0 31 2,4,6,9,11 *', 'Europe/Berlin'],
    ['0 0 L-30 4 *', 'UTC'],
    ['30 2 * 3 SUN#2', 'America/New_York'], // always in the missing hour
  ])('%s in %s never runs', (expression, zone) => {
    expect(nextRun(parseCron(expression), zone, Date.UTC(2026, 0, 1))).toBeNull();
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -8.64e15, 8.64e15])('nothing runs after %d', (after) => {
    expect(nextRun(parseCron('* * * * *'), 'Europe/Berlin', after)).toBeNull();
    expect(nextRun(parseCron('@every 1m'), 'Europe/Berlin', after)).toBeNull();
  });

  test('29 February on a Sunday is 40 years away if a century has no such day', () => {
    expect(runs('0 0 * 2 SUN#5', 'UTC', '2060-02-29T00:00:00Z', 2)).toEqual([
      '2088-02-29T00:00:00Z',
      '2128-02-29T00:00:00Z',
    ]);
    expect(runs('0 0 29 2 *', 'UTC', '1896-03-01T00:00:00Z', 1)).toEqual(['1904-02-29T00:00:00Z']);
    expect(runs('0 0 29 2 *', 'UTC', '1999-01-01T00:00:00Z', 1)).toEqual(['2000-02-29T00:00:00Z']);
    expect(runs('0 0 * 2 TUE#5', 'UTC', '2399-01-01T00:00:00Z', 1)).toEqual(['2400-02-29T00:00:00Z']);
  });
});

describe('nextRun of an interval', () => {
  const every = parseCron('@every 90m');
  const anchor = Date.UTC(2026, 2, 8, 6, 15, 7, 250);

  test('counts from the anchor, through a change of the clocks', () => {
    expect(nextRuns(every, 'America/New_York', anchor, 3, anchor).map((at) => at - anchor)).toEqual([
      5_400_000, 10_800_000, 16_200_000,
    ]);
    expect(nextRun(every, 'UTC', anchor + 5_399_999, anchor)).toBe(anchor + 5_400_000);
    expect(nextRun(every, 'UTC', anchor + 5_400_000, anchor)).toBe(anchor + 10_800_000);
  });

  test('counts from `after` without an anchor', () => {
    expect(nextRun(every, 'UTC', 1000)).toBe(5_401_000);
  });

  test('with an anchor in the future, does not run before one interval after it', () => {
    expect(nextRun(every, 'UTC', anchor - 86_400_000, anchor)).toBe(anchor + 5_400_000);
  });

  test('ends with the year 9999', () => {
    expect(nextRun(parseCron('@every 876600h'), 'UTC', Date.UTC(9950, 0, 1))).toBeNull();
  });

  test('is the first multiple after `after`', () => {
    const ms = fc.integer({ min: 0, max: 4_102_444_800_000 });
    fc.assert(
      fc.property(ms, ms, fc.integer({ min: 1, max: 10_000_000 }), (after, from, seconds) => {
        const at = nextRun(parseCron(`@every ${seconds}s`), 'UTC', after, from) ?? Number.NaN;
        expect(at).toBeGreaterThan(Math.max(after, from));
        expect((at - from) % (seconds * 1000)).toBe(0);
        expect(at - seconds * 1000).toBeLessThanOrEqual(Math.max(after, from));
      }),
    );
  });
});

describe('nextRuns', () => {
  test('gives what nextRun gives, one after the other', () => {
    expect(runs('0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', 3)).toEqual([
      '2028-02-29T00:00:00Z',
      '2032-02-29T00:00:00Z',
      '2036-02-29T00:00:00Z',
    ]);
    expect(runs('0 0 30 2 *', 'UTC', '2026-01-01T00:00:00Z', 3)).toEqual([]);
    expect(runs('* * * * *', 'UTC', '2026-01-01T00:00:00Z', 0)).toEqual([]);
  });
});

describe('for any expression, zone and time', () => {
  const expressions = fc.oneof(
    fc.constantFrom(...known),
    fc.integer().map((seed) => randomExpressions(1, seed)[0] ?? '* * * * *'),
  );
  const zones = fc.constantFrom('UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone.includes('/')));
  const times = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2100, 0, 1) });

  test('the next run is later, matches every field, and is on a whole second', () => {
    fc.assert(
      fc.property(expressions, zones, times, (expression, zone, after) => {
        const at = nextRun(parseCron(expression), zone, after);
        if (at === null) return;
        expect(at).toBeGreaterThan(after);
        expect(at % 1000).toBe(0);
        const { year, month, date, weekday, minute, second } = localOf(zone)(at);
        const reading = readingOf(expression);
        expect(reading.day(year, month, date, weekday)).toBe(true);
        expect(reading.minutes[minute]).toBe(1);
        expect(reading.seconds).toContain(second);
      }),
      { numRuns: checks(1000) },
    );
  });

  test('it does not depend on where before it one asks, and does not run backwards', () => {
    fc.assert(
      fc.property(
        expressions,
        zones,
        times,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (expression, zone, after, part) => {
          const schedule = parseCron(expression);
          const at = nextRun(schedule, zone, after);
          if (at === null) return;
          const between = after + Math.floor((at - after - 1) * part);
          expect(nextRun(schedule, zone, between)).toBe(at);
          expect(nextRun(schedule, zone, at) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(at);
        },
      ),
      { numRuns: checks(1000) },
    );
  });
});
