import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clockChanges } from '../../src/cron/clock-changes.ts';
import { nextRuns, parseCron, skippedRuns } from '../../src/cron/index.ts';

const at = (text: string) => Date.parse(text);
const year = [at('2026-01-01T00:00:00Z'), at('2026-12-31T00:00:00Z')] as const;
const changes = (expression: string, zone: string, from: number = year[0], to: number = year[1]) =>
  clockChanges(parseCron(expression), zone, from, to);

describe('changes of the clocks', () => {
  test('a run at a time that does not exist is skipped, and one that occurs twice is repeated', () => {
    expect(changes('30 2 * * *', 'Europe/Berlin')).toEqual([
      {
        at: at('2026-03-29T01:00:00Z'),
        before: 3_600_000,
        after: 7_200_000,
        skipped: ['2026-03-29T02:30:00'],
        skippedCount: 1,
        repeated: [],
        repeatedCount: 0,
      },
      {
        at: at('2026-10-25T01:00:00Z'),
        before: 7_200_000,
        after: 3_600_000,
        skipped: [],
        skippedCount: 0,
        repeated: ['2026-10-25T02:30:00'],
        repeatedCount: 1,
      },
    ]);
  });

  test('a change on the day of a run is told, also where it does nothing to the run', () => {
    expect(changes('0 9 * * *', 'Europe/Berlin')).toMatchObject([
      { skippedCount: 0, repeatedCount: 0 },
      { skippedCount: 0, repeatedCount: 0 },
    ]);
    expect(changes('0 9 * * 1', 'Europe/Berlin')).toEqual([]);
  });

  test('only of runs in the span, and none of intervals or in UTC', () => {
    expect(changes('30 2 * * *', 'Europe/Berlin', at('2026-03-29T01:31:00Z'), year[1])).toMatchObject([
      { repeatedCount: 1 },
    ]);
    expect(changes('30 2 * * *', 'Europe/Berlin', year[0], at('2026-03-29T01:29:00Z'))).toEqual([]);
    expect(changes('30 2 * * *', 'UTC')).toEqual([]);
    expect(changes('@every 30m', 'Europe/Berlin')).toEqual([]);
  });

  test('counts are exact where the list is cut, also of a whole day', () => {
    const [forward, back] = changes('* * * * * *', 'Europe/Berlin');
    expect([forward?.skipped.length, forward?.skippedCount]).toEqual([20, 3_600]);
    expect([back?.repeated.length, back?.repeatedCount]).toEqual([20, 3_600]);
    const december = [at('2011-12-01T00:00:00Z'), at('2012-01-31T00:00:00Z')] as const;
    expect(changes('0 */6 * * *', 'Pacific/Apia', ...december)).toMatchObject([
      { skipped: ['2011-12-30T00:00:00', '2011-12-30T06:00:00', '2011-12-30T12:00:00', '2011-12-30T18:00:00'] },
    ]);
  });

  test('what is skipped is what the engine skips, and what is repeated runs once', () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Asia/Beirut'];
    const hours = fc.constantFrom('0', '1', '2', '3', '23', '*/2', '*');
    const minutes = fc.constantFrom('0', '15', '30', '59', '*/20');
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        minutes,
        hours,
        fc.integer({ min: year[0], max: year[1] }),
        fc.integer({ min: 0, max: 200 }),
        (zone, minute, hour, from, days) => {
          const schedule = parseCron(`${minute} ${hour} * * *`);
          const to = from + days * 86_400_000;
          const found = clockChanges(schedule, zone, from, to);
          expect(found.flatMap(({ skipped }) => skipped)).toEqual(
            skippedRuns(schedule, zone, from, to).map(({ local }) => local),
          );
          for (const { at: changed, before, after, repeated } of found) {
            const runs = nextRuns(schedule, zone, changed + after - before - 1, 400).filter(
              (run) => run < changed + before - after,
            );
            const locals = runs.map((run) =>
              new Date(run + (run < changed ? before : after)).toISOString().slice(0, 19),
            );
            for (const local of repeated) expect(locals.filter((one) => one === local)).toHaveLength(1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
