import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareDecimals, decimalOf } from '../../src/json/decimal.ts';
import { cpuMs } from '../support/cpu.ts';
import { compare, fraction } from '../support/fractions.ts';

const order = (a: string, b: string) => Math.sign(compareDecimals(decimalOf(a), decimalOf(b))) + 0;

test('two numbers are in the order of their exact values', () => {
  const literal = fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.oneof(fc.constantFrom('0', '1', '9007199254740992', '9007199254740993', '10'), fc.nat(99).map(String)),
      fc.constantFrom('', '.0', '.10', '.09', '.5'),
      fc.constantFrom('', 'e0', 'E+1', 'e-1', 'e15', 'e-400', 'e400'),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(literal, literal, (a, b) => {
      expect(order(a, b)).toBe(compare(fraction(a), fraction(b)));
    }),
    { numRuns: 3_000 },
  );
});

const huge = '9'.repeat(30);

test.each([
  [`1e${huge}`, '1e400'],
  ['1e400', `1e-${huge}`],
  [`-1e-${huge}`, `-1e${huge}`],
  [`1e${huge}`, `9e${'9'.repeat(29)}8`],
  [`1e${huge}`, `1e${'9'.repeat(29)}8`],
  ['1e9007199254740993', '1e9007199254740992'],
  ['1e-9007199254740992', '1e-9007199254740993'],
  ['10e9007199254740992', '9e9007199254740992'],
  [`1e${'9'.repeat(1_000)}`, `1${'0'.repeat(1_000)}e${'9'.repeat(900)}`],
  ['0', `-1e${huge}`],
])('%s is more than %s', (more, less) => {
  expect([order(more, less), order(less, more), order(more, more)]).toEqual([1, -1, 0]);
});

test('the spelling of an exponent beyond 2^53 makes no difference', () => {
  expect(order(`1e${huge}`, `1E+00${huge}`)).toBe(0);
  expect(order(`10e${huge.slice(0, -1)}8`, `1e${huge}`)).toBe(0);
  expect(order('10e9999999999999999', '1e10000000000000000')).toBe(0);
  expect(order(`0e${huge}`, '-0')).toBe(0);
});

test('a million digits are compared at once', () => {
  const digits = '9'.repeat(1_000_000);
  expect(cpuMs(() => expect(order(`1e${digits}`, `1e-${digits}`)).toBe(1))).toBeLessThan(2_000);
  expect(cpuMs(() => expect(order(`1e${digits}`, '1e99999999999999999999')).toBe(1))).toBeLessThan(500);
  expect(cpuMs(() => expect(order(digits, `${digits}0`)).toBe(-1))).toBeLessThan(500);
});
