/** A number of JSON, exact whatever its length: `digits` × 10^(`exponent` + `shift`). */
export interface Decimal {
  readonly isNegative: boolean;
  /** Neither begin nor end with 0; empty for both zeros. */
  readonly digits: string;
  /** As written behind the `e`, of any length; empty without one. */
  readonly exponent: string;
  readonly shift: number;
}

/** @param literal a number as JSON writes it. */
export function decimalOf(literal: string): Decimal {
  const start = literal.startsWith('-') ? 1 : 0;
  const mark = Math.max(literal.indexOf('e'), literal.indexOf('E'));
  const end = mark === -1 ? literal.length : mark;
  const dot = literal.indexOf('.');
  const digits = dot === -1 ? literal.slice(start, end) : literal.slice(start, dot) + literal.slice(dot + 1, end);
  let first = 0;
  while (digits[first] === '0') first++;
  let last = digits.length - 1;
  while (last > first && digits[last] === '0') last--;
  return {
    isNegative: start === 1,
    digits: digits.slice(first, last + 1),
    exponent: mark === -1 ? '' : literal.slice(mark + 1),
    shift: digits.length - 1 - last - (dot === -1 ? 0 : end - dot - 1),
  };
}

/**
 * A decimal as `[-]DIGITSeEXPONENT` whose digits neither begin nor end with 0: equal values have equal texts. Both
 * zeros are `0`.
 */
export function decimalText(literal: string): string {
  const { isNegative, digits, exponent, shift } = decimalOf(literal);
  return digits === '' ? '0' : `${isNegative ? '-' : ''}${digits}e${shifted(exponent, shift)}`;
}

/** Exponents beyond 2^53 stay in two parts: exact, without arithmetic on a megabyte of digits. */
function shifted(exponent: string, shift: number): string {
  const given = Number(exponent);
  if (Number.isSafeInteger(given) && Number.isSafeInteger(given + shift)) return String(given + shift);
  return `${exponent.replace(/^\+?(-?)0*/, '$1')}${shift < 0 ? '' : '+'}${shift}`;
}

/** Below 0 if `a` is less than `b`, 0 if their values are equal. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const [sign, other] = [signOf(a), signOf(b)];
  if (sign !== other || sign === 0) return sign - other;
  // Digits without zeros at the end are fractions behind a point: the texts are in the order of the values.
  return sign * (compareMagnitudes(a, b) || (a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1));
}

function signOf({ digits, isNegative }: Decimal): -1 | 0 | 1 {
  return digits === '' ? 0 : isNegative ? -1 : 1;
}

/** Compares the powers of ten of the first digits. */
function compareMagnitudes(a: Decimal, b: Decimal): number {
  const [p, q] = [Number(a.exponent), Number(b.exponent)];
  const [offset, other] = [a.shift + a.digits.length, b.shift + b.digits.length];
  if ([p, q, p + offset, q + other].every(Number.isSafeInteger)) return p + offset - (q + other);
  const [length, otherLength] = [significant(a.exponent), significant(b.exponent)];
  // An offset is below 10^10, the length of a text: it cannot make up for so many digits.
  if (Math.abs(length - otherLength) > 20) return length > otherLength ? towards(a) : -towards(b);
  const [left, right] = [BigInt(a.exponent) + BigInt(offset), BigInt(b.exponent) + BigInt(other)];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Digits of the exponent without zeros before them. */
function significant(exponent: string): number {
  return exponent.replace(/^[+-]?0*/, '').length;
}

function towards({ exponent }: Decimal): -1 | 1 {
  return exponent.startsWith('-') ? -1 : 1;
}
