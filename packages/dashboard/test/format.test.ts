import { expect, test } from 'vitest';
import { formatDuration, formatPer } from '../app/format/times.ts';
import { aboutOf } from '../app/pages/bulk/about.ts';

test.each([
  [0, '0 s'],
  [0.4, '0.4 ms'],
  [450, '450 ms'],
  [1_000, '1 s'],
  [1_250, '1.3 s'],
  [30_000, '30 s'],
  [59_700, '1 min'],
  [147_000, '2 min 27 s'],
  [300_000, '5 min'],
  [5_400_000, '1 h 30 min'],
  [-2_000, '−2 s'],
])('%d ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

test('a rate is per minute, hour or day, and per any other time', () => {
  expect(['PT1M', 'PT1H', 'P1D', 'PT15M'].map(formatPer)).toEqual(['minute', 'hour', 'day', '15 min']);
});

test('a bulk operation reads the same, sent with a filter or with a query', () => {
  const said = 'queue:mail fingerprint:5644291e92c89dc0';
  expect(aboutOf({ query: said }, JSON.stringify)).toBe(said);
  expect(aboutOf({ filter: { queue: 'mail', fingerprint: '5644291e92c89dc0' } }, JSON.stringify)).toBe(said);
  expect(aboutOf({ filter: {} }, JSON.stringify)).toBe('all jobs');
});
