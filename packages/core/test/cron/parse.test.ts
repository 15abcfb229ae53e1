import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cronWarnings, nextRuns, parseCron } from '../../src/cron/index.ts';
import { ProtocolError } from '../../src/index.ts';
import { cpuMs } from '../support/cpu.ts';
import { faultOf } from '../support/fault.ts';
import { checks } from '../support/runs.ts';
import { anyCharacter } from '../support/text.ts';
import { known, randomExpressions } from './expressions.ts';

const start = Date.UTC(2026, 0, 1);

function sameRuns(a: string, b: string): void {
  expect(nextRuns(parseCron(a), 'UTC', start, 50)).toEqual(nextRuns(parseCron(b), 'UTC', start, 50));
}

const refusal = (expression: string, at?: string) => faultOf(() => parseCron(expression, at));

describe('parseCron', () => {
  test.each([
    ['@yearly', '0 0 1 1 *'],
    ['@annually', '0 0 1 1 *'],
    ['@monthly', '0 0 1 * *'],
    ['@weekly', '0 0 * * 0'],
    ['@daily', '0 0 * * *'],
    ['@midnight', '0 0 * * *'],
    ['@hourly', '0 * * * *'],
    ['0 0 * * *', '0 0 0 * * *'],
    ['0 0 * * SUN', '0 0 * * 7'],
    ['0 0 * * sun', '0 0 * * 0'],
    ['0 0 * * MON-fri', '0 0 * * 1-5'],
    ['0 0 * * FRI-SUN', '0 0 * * 5,6,0'],
    ['0 0 * * 5-7', '0 0 * * 5,6,0'],
    ['0 0 * * 0-7', '0 0 * * *'],
    ['0 0 * * SUN-SUN', '0 0 * * 0'],
    ['0 0 * * 7-7', '0 0 * * 0'],
    ['0 0 * * 1-7/2', '0 0 * * 1,3,5,0'],
    ['0 0 * * 5/1', '0 0 * * 5,6'],
    ['0 0 1 jan-Mar,DEC *', '0 0 1 1,2,3,12 *'],
    ['*/20 * * * *', '0,20,40 * * * *'],
    ['5/20 * * * *', '5,25,45 * * * *'],
    ['10-40/15 * * * *', '10,25,40 * * * *'],
    ['*/90 * * * *', '0 * * * *'],
    ['1,1,1-2 05 * * *', '1,2 5 * * *'],
    ['0 0 l,15w,lw * 5l', '0 0 L,15W,LW * FRIL'],
    ['0 0 * * 7#1', '0 0 * * sun#1'],
    ['0 0 L-0 * *', '0 0 L * *'],
    ['  0\t0  * * *\n', '0 0 * * *'],
    ['@every 90m', '@every 1h30m'],
    ['@every 1.5h', '@every 1h30m0s'],
    ['@every 1m1h', '@every 61m'],
    ['@every 1000ms', '@every 1s'],
  ])('%s means %s', sameRuns);

  test.each([
    ['', '$.cron: empty cron expression; expected five fields'],
    [' \n', 'empty cron expression'],
    ['99 25 32 13 8', 'minute: 99 is out of range; expected 0-59'],
    ['0 25 32 13 8', 'hour: 25 is out of range; expected 0-23'],
    ['0 0 32 13 8', 'day of month: 32 is out of range; expected 1-31'],
    ['0 0 0 * *', 'day of month: 0 is out of range'],
    ['0 0 1 13 8', 'month: 13 is out of range; expected 1-12 or JAN-DEC'],
    ['0 0 1 0 *', 'month: 0 is out of range'],
    ['0 0 1 1 8', 'day of week: 8 is out of range; expected 0-7 or SUN-SAT'],
    ['60 * * * * *', 'second: 60 is out of range'],
    ['*/0 * * * *', 'minute: the step of */0 is 0; expected 1 or more'],
    ['1-5/0 * * * *', 'minute: the step'],
    ['30-10 * * * *', 'minute: the range 30-10 runs backwards'],
    ['0 22-4 * * *', 'hour: the range 22-4 runs backwards'],
    ['0 0 * * FRI-MON', 'day of week: the range FRI-MON runs backwards'],
    ['0 0 * * 6-0', 'day of week: the range 6-0 runs backwards'],
    ['0 0 * DEC-JAN *', 'month: the range DEC-JAN runs backwards'],
    ['* * * *', 'cron expression with 4 fields; expected 5'],
    ['*', 'cron expression with 1 field; expected 5'],
    ['* * * * * * *', 'cron expression with 7 fields; expected 5'],
    ['0 0 ? * *', 'day of month: "?" is no cron syntax; expected *, 1-31'],
    ['1,,2 * * * *', 'minute: "1,,2" has an empty item'],
    [', * * * *', 'has an empty item'],
    ['1- * * * *', '"1-" is no cron syntax'],
    ['-1 * * * *', '"-1" is no cron syntax'],
    ['1-2-3 * * * *', 'is no cron syntax'],
    ['*/ * * * *', 'is no cron syntax'],
    ['*/x * * * *', 'is no cron syntax'],
    ['*/1/2 * * * *', 'is no cron syntax'],
    ['*-5 * * * *', 'is no cron syntax'],
    ['1.5 * * * *', 'is no cron syntax'],
    ['+1 * * * *', 'is no cron syntax'],
    ['1e1 * * * *', '"1e1" is no value'],
    ['٣ * * * *', 'is no cron syntax'],
    ['0 0 * * ſun', 'is no cron syntax'],
    ['0 0 1--100000000 * *', 'day of month: "1--100000000" is no cron syntax'],
    ['0 0 1-100000000 * *', '100000000 is out of range'],
    ['MON * * * *', 'minute: "MON" is no value'],
    ['0 0 MON * *', 'day of month: "MON" is no value'],
    ['0 0 * MON *', 'month: "MON" is no value'],
    ['0 0 * * JAN', 'day of week: "JAN" is no value'],
    ['0 0 * * MONDAY', '"MONDAY" is no value'],
    ['L * * * *', 'minute: "L" is no value'],
    ['0 0 * L *', 'month: "L" is no value'],
    ['0 0 W * *', '"W" is no value'],
    ['0 0 WL * *', '"WL" is no value'],
    ['0 0 0W * *', '0 is out of range'],
    ['0 0 32W * *', '32 is out of range'],
    ['0 0 1-5W * *', '"5W" is no value'],
    ['0 0 L-31 * *', 'day of month: L-31 is before any month begins; expected L-0 to L-30'],
    ['0 0 L/2 * *', '"L" is no value'],
    ['0 0 L-3W * *', 'is no value'],
    ['0 0 5#3 * *', 'is no cron syntax'],
    ['0 0 * * L', 'day of week: "L" is no value'],
    ['0 0 * * 15W', 'is no value'],
    ['0 0 * * 8L', '8 is out of range'],
    ['0 0 * * 5#0', 'day of week: no month has the weekday 5#0; expected #1 to #5'],
    ['0 0 * * 5#6', 'no month has the weekday 5#6'],
    ['0 0 * * 5#', 'is no cron syntax'],
    ['0 0 * * #3', 'is no cron syntax'],
    ['@Daily', '"@Daily" is no alias; expected @yearly, '],
    ['@reboot', 'is no alias'],
    ['@daily *', 'is no alias'],
    ['@', 'is no alias'],
    ['@every', 'or @every and a duration such as 1h30m'],
    ['@every 1h 30m', 'is no alias'],
    ['@every 5', '"5" is no duration of @every'],
    ['@every PT5M', 'is no duration'],
    ['@every -5m', 'is no duration'],
    ['@every 5d', 'is no duration'],
    ['@every 0s', 'out of range; expected at least 1s'],
    ['@every 500ms', '@every 500ms is out of range; expected at least 1s and at most 100 years'],
    ['@every 999.9ms', 'out of range'],
    ['@every 9999999999h', 'out of range'],
    [`@every ${'9'.repeat(240)}h`, 'out of range'],
    [`${'1,'.repeat(150)}1 * * * *`, 'cron expression of 309 characters; expected at most 256'],
  ])('%j is refused: %s (CRON-11, ojs-cron §3.5)', (expression, message) => {
    const fault = refusal(expression);
    expect(fault.code).toBe('invalid_request');
    expect(fault.message).toContain(message);
  });

  test('the refusal has the given path', () => {
    const fault = refusal('0 24 * * *', '$.expression');
    expect(fault.message).toBe('$.expression: hour: 24 is out of range; expected 0-23');
    expect(fault.details).toEqual({
      validation_errors: [{ path: '$.expression', message: 'hour: 24 is out of range; expected 0-23' }],
    });
  });

  test('keeps the expression as it was written', () => {
    expect(parseCron('@daily').expression).toBe('@daily');
    expect(parseCron('0  0 * * *').expression).toBe('0  0 * * *');
  });

  test('throws nothing but an ProtocolError', () => {
    const symbols = fc.constantFrom(
      ...'0123456789*,-/?#LWlw @.',
      'MON',
      'JAN',
      ' ',
      '* ',
      '@every ',
      'ms',
      '\t',
      '\u00a0',
      '٣',
      'ſ',
    );
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: anyCharacter }),
      fc.array(symbols, { maxLength: 40 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (expression) => {
        try {
          parseCron(expression);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: checks(5000) },
    );
  });

  test('accepted expressions have a bounded length', () => {
    for (const text of [...known, ...randomExpressions(300, 3)]) {
      const schedule = parseCron(text);
      if (schedule.kind === 'interval') continue;
      const { seconds, minutes, hours, months } = schedule;
      for (const [values, least, most] of [
        [seconds, 0, 59] as const,
        [minutes, 0, 59] as const,
        [hours, 0, 23] as const,
        [months, 1, 12] as const,
      ]) {
        expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
        expect(values[0]).toBeGreaterThanOrEqual(least);
        expect(values.at(-1)).toBeLessThanOrEqual(most);
      }
    }
  });

  test.each([
    '1'.repeat(1_000_000),
    '* '.repeat(500_000),
    ' '.repeat(1_000_000),
    `@every ${'1h'.repeat(500_000)}`,
    `@every ${'1'.repeat(248)}`,
    `${'1,'.repeat(120)}1 * * * *`,
    `${'-'.repeat(240)} * * * *`,
    `0 0 ${'L,'.repeat(110)}L * *`,
    `* * * * ${'5#3,'.repeat(60)}5#3`,
    `*/${'9'.repeat(240)} * * * *`,
  ])('a hostile text is read at once', (expression) => {
    const tenTimes = () => {
      for (let n = 0; n < 10; n++) {
        try {
          parseCron(expression);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }
    };
    expect(cpuMs(tenTimes) / 10).toBeLessThan(5);
  });
});

describe('cronWarnings (ojs-cron §3.5)', () => {
  test.each([
    ['0 0 * * *', []],
    ['@every 5m', []],
    ['0 0 29 2 *', []],
    ['0 0 1-31 * *', []],
    ['0 0 * * 5#5', []],
    ['0 0 31 * *', ['does not run in FEB, APR, JUN, SEP, NOV: there is no such day']],
    ['0 0 31W 1,2 *', ['does not run in FEB: there is no such day']],
    ['0 0 L-29 * *', ['does not run in FEB: there is no such day']],
    ['0 0 31 * MON', []],
    ['0 0 30 2 *', ['never runs: FEB has no such day']],
    ['0 0 31 4,6 *', ['never runs: APR, JUN has no such day']],
  ])('%s: %j', (expression, warnings) => {
    expect(cronWarnings(parseCron(expression))).toEqual(warnings);
  });
});
