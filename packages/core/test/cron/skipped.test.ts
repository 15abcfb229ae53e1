import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextRuns, parseCron, skippedRuns } from '../../src/cron/index.ts';
import { cpuMs } from '../support/cpu.ts';
import { words } from '../support/text.ts';
import { changesOf } from './oracle.ts';

const march = Date.UTC(2026, 2, 1);
const april = Date.UTC(2026, 3, 1);

function locals(expression: string, zone: string, from: number, to: number, limit?: number): string[] {
  return skippedRuns(parseCron(expression), zone, from, to, limit).map(({ local }) => local);
}

describe('skippedRuns (ojs-cron §9.2 dst_skip)', () => {
  test('returns the local times that did not exist, and when they would have been', () => {
    expect(skippedRuns(parseCron('30 2 * * *'), 'America/New_York', march, april)).toEqual([
      { local: '2026-03-08T02:30:00', at: Date.UTC(2026, 2, 8, 7, 30) },
    ]);
    expect(locals('*/20 * * * *', 'America/New_York', march, april)).toEqual([
      '2026-03-08T02:00:00',
      '2026-03-08T02:20:00',
      '2026-03-08T02:40:00',
    ]);
    expect(locals('0,15,45 2 * * *', 'Australia/Lord_Howe', Date.UTC(2026, 8, 1), Date.UTC(2026, 11, 1))).toEqual([
      '2026-10-04T02:00:00',
      '2026-10-04T02:15:00',
    ]);
    expect(locals('0 */6 * * *', 'Pacific/Apia', Date.UTC(2011, 11, 1), Date.UTC(2012, 0, 31))).toEqual([
      '2011-12-30T00:00:00',
      '2011-12-30T06:00:00',
      '2011-12-30T12:00:00',
      '2011-12-30T18:00:00',
    ]);
  });

  test('is empty where the clocks do not move, where nothing matches, and for intervals', () => {
    expect(locals('* * * * *', 'UTC', march, april)).toEqual([]);
    expect(locals('* * * * *', 'Asia/Tokyo', march, april)).toEqual([]);
    expect(locals('30 3 * * *', 'America/New_York', march, april)).toEqual([]);
    expect(locals('30 1 * * *', 'America/New_York', Date.UTC(2026, 9, 1), Date.UTC(2026, 11, 1))).toEqual([]);
    expect(locals('@every 1m', 'America/New_York', march, april)).toEqual([]);
    expect(locals('0 0 30 2 *', 'America/New_York', march, april)).toEqual([]);
    expect(locals('30 2 * * *', 'America/New_York', april, march)).toEqual([]);
  });

  test('gives 100 at most, or as many as asked for', () => {
    expect(locals('* * * * * *', 'America/New_York', march, april)).toHaveLength(100);
    expect(locals('* * * * * *', 'America/New_York', march, april, 5000)).toHaveLength(3600);
    expect(locals('* * * * *', 'America/New_York', march, april, 0)).toEqual([]);
  });

  test('from one run to the next, each is returned once', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('*/7 * * * *', '30 2 * * *', '0,30 * * * *', '15 0-5 * * *', '45 1-2 1-20 * 1,0L'),
        fc.constantFrom(
          ...words(`
          America/New_York Europe/Berlin Australia/Lord_Howe Antarctica/Troll Africa/Cairo Pacific/Auckland
        `),
        ),
        fc.integer({ min: 0, max: 1 }),
        fc.integer({ min: 0, max: 48 * 3_600_000 }),
        (expression, zone, which, lead) => {
          const start = (changesOf(zone, Date.UTC(2026, 0, 2), Date.UTC(2027, 0, 2))[which]?.at ?? march) - lead;
          const schedule = parseCron(expression);
          const marks = [start, ...nextRuns(schedule, zone, start, 200)];
          const piecewise = marks.flatMap((from, index) => skippedRuns(schedule, zone, from, marks[index + 1] ?? from));
          expect(piecewise).toEqual(skippedRuns(schedule, zone, start, marks.at(-1) ?? start));
        },
      ),
      { numRuns: 100 },
    );
  });

  test('ten years of every second cost no more than their weeks', () => {
    const schedule = parseCron('* * * * * *');
    const years = () => skippedRuns(schedule, 'Europe/Paris', Date.UTC(2030, 0, 1), Date.UTC(2040, 0, 1), 10);
    expect(years()).toHaveLength(10);
    const tenTimes = () => {
      for (let n = 0; n < 10; n++) skippedRuns(schedule, 'Asia/Tokyo', Date.UTC(2030, 0, 1), Date.UTC(2040, 0, 1));
    };
    expect(cpuMs(tenTimes) / 10).toBeLessThan(50);
  });
});
