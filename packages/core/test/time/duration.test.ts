import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, maxDurationMs, parseDuration, readDuration } from '../../src/index.ts';

describe('parseDuration', () => {
  test.each([
    ['PT0.5S', 500],
    ['PT1S', 1000],
    ['PT5M', 300_000],
    ['PT1H', 3_600_000],
    ['P1D', 86_400_000],
    ['P7D', 604_800_000],
    ['P1W', 604_800_000],
    ['P1DT12H', 129_600_000],
    ['P1Y2M3W4DT5H6M7.089S', ((365 + 60 + 21 + 4) * 86_400 + 5 * 3600 + 6 * 60 + 7) * 1000 + 89],
    ['PT0.5H', 1_800_000],
    ['PT0.0001S', 1],
    ['PT0S', 0],
    ['PT36500H', 36_500 * 3_600_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    '',
    'P',
    'PT',
    'P1',
    '1s',
    'PT1',
    'P1S',
    'PT1D',
    'P1DT',
    'PT1S1M',
    'PT1S1S',
    'P-1D',
    '-PT1S',
    'PT1.S',
    'PT.5S',
    'PT0.5M1S',
    'pt1s',
    'PT1S ',
    ' PT1S',
    'PT1,5S',
    'P1TT1S',
    'PT1e3S',
    'PT١S',
    'PT999999999999999999999S',
    `PT${'1'.repeat(100_000)}S`,
  ])('%s is refused (RET-19, X6)', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test('reads back what formatDuration wrote', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(), fc.integer({ min: 0, max: maxDurationMs })), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
      { numRuns: 1000 },
    );
  });

  test('answers null or a whole number within bounds for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^P[0-9.YMWDTHS]*$/)), (text) => {
        const ms = parseDuration(text);
        expect(ms === null || (Number.isInteger(ms) && ms >= 0 && ms <= maxDurationMs)).toBe(true);
      }),
    );
  });
});

test.each([
  [0, 'PT0S'],
  [100, 'PT0.1S'],
  [1000, 'PT1S'],
  [300_000, 'PT5M'],
  [3_661_001, 'PT1H1M1.001S'],
  // Other implementations need not read days.
  [86_400_000 * 2, 'PT48H'],
])('formatDuration(%d) is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

describe('readDuration accepts the forms of the SDK', () => {
  test.each([
    [250, 250],
    ['200ms', 200],
    ['5s', 5000],
    ['0.1s', 100],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
    ['2m', 120_000],
    ['PT1M', 60_000],
  ])('%s is %d ms', (value, ms) => {
    expect(readDuration(value)).toBe(ms);
  });

  test.each([
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '',
    '5',
    's',
    '5 s',
    '-5s',
    '5S',
    '1h30m',
    '1e3s',
    '100000000d',
  ])('%s is refused', (value) => {
    expect(readDuration(value)).toBeNull();
  });
});
