import { expect, test } from 'vitest';
import { oneLine, plain } from '../src/output/plain.ts';

const steering = 'a\u0000\u001b\u009b\u007f\u0085\u200e\u061c\u2028\u2029\u202e\u2066b é 🎉';

test('a text has no character that steers a terminal, ends a line or turns its direction', () => {
  expect(plain(steering)).toBe('a\\u0000\\u001b\\u009b\\u007f\\u0085\\u200e\\u061c\\u2028\\u2029\\u202e\\u2066b é 🎉');
});

test('JSON in one line means the same', () => {
  const value = { [steering]: [steering, 'a b'] };
  const line = oneLine(JSON.stringify(value, null, 2));
  expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
  expect(JSON.parse(line)).toEqual(value);
});
