import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTimestamp, parseTimestamp, readTime } from '../../src/index.ts';

describe('parseTimestamp', () => {
  test.each([
    ['2026-03-01T09:00:00Z', '2026-03-01T09:00:00.000Z'],
    ['2026-03-01t09:00:00.1z', '2026-03-01T09:00:00.100Z'],
    ['2026-03-01T09:00:00.123456789Z', '2026-03-01T09:00:00.123Z'],
    ['2026-03-01T09:00:00+05:30', '2026-03-01T03:30:00.000Z'],
    ['2026-03-01T09:00:00-00:00', '2026-03-01T09:00:00.000Z'],
    ['2026-12-31T23:30:00-01:00', '2027-01-01T00:30:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z'],
    ['2017-01-01T05:29:60+05:30', '2016-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, iso) => {
    expect(parseTimestamp(text)).toBe(Date.parse(iso));
  });

  test.each([
    '',
    '2026-03-01',
    '2026-03-01T09:00:00',
    '2026-03-01T09:00:00.000',
    '2026-03-01 09:00:00Z',
    '2026-3-1T09:00:00Z',
    '2026-03-01T09:00Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:61Z',
    '2026-01-01T12:00:60Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+00:60',
    '2026-01-01T00:00:00+0530',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00.1234567890Z',
    '+2026-01-01T00:00:00Z',
    '9999-12-31T23:59:59-01:00',
    '0000-01-01T00:00:00+01:00',
    '2026-01-01T00:00:00Z\n',
    `2026-01-01T00:00:00.${'1'.repeat(100_000)}Z`,
  ])('%j is refused (ojs-core §5.5.2)', (text) => {
    expect(parseTimestamp(text)).toBeNull();
  });

  test('agrees with Date on every time of the years 0 to 9999, and formatTimestamp with toISOString', () => {
    const range = fc.integer({
      min: Date.parse('0000-01-01T00:00:00.000Z'),
      max: Date.parse('9999-12-31T23:59:59.999Z'),
    });
    fc.assert(
      fc.property(range, (ms) => {
        const iso = new Date(ms).toISOString();
        expect(formatTimestamp(ms)).toBe(iso);
        expect(parseTimestamp(iso)).toBe(ms);
      }),
      { numRuns: 1000 },
    );
  });
});

test('readTime also accepts a duration from now', () => {
  expect(readTime('+PT5S', 1000)).toBe(6000);
  expect(readTime('+5s', 1000)).toBeNull();
  expect(readTime('+', 1000)).toBeNull();
  expect(readTime('PT5S', 1000)).toBeNull();
  expect(readTime('1970-01-01T00:00:01Z', 1000)).toBe(1000);
});
