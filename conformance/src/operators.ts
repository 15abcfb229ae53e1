import { CaseError, equal, isArray, isObject, type JsonObject, type JsonValue, shown } from './json.ts';
import { regex } from './strings.ts';

type Inner = (matcher: JsonValue, actual: JsonValue | undefined) => string | null;
type Operator = (argument: JsonValue, actual: JsonValue | undefined, inner: Inner) => string | null;

/** The operators of an object matcher. Those from `$equals` on are ours (README). */
export const operators: Readonly<Record<string, Operator>> = {
  $exists: (argument, actual) =>
    argument === (actual !== undefined) ? null : argument === true ? 'a value' : 'no value',
  $type: (argument, actual) => (typeOf(actual) === argument ? null : `a value of type ${text(argument, '$type')}`),
  $match: (argument, actual) => {
    const pattern = regex(text(argument, '$match'));
    return typeof actual === 'string' && pattern.test(actual) ? null : `a string like ${pattern}`;
  },
  $in: (argument, actual, inner) => any(argument, actual, inner, '$in'),
  $or: (argument, actual, inner) => any(argument, actual, inner, '$or'),
  $size: (argument, actual) => {
    const length = isArray(actual) ? actual.length : undefined;
    if (typeof argument === 'number') return length === argument ? null : `an array of ${argument} elements`;
    const least = isObject(argument) && typeof argument.$gte === 'number' ? argument.$gte : undefined;
    if (least === undefined) throw new CaseError(`$size takes a number or {"$gte": number}, not ${shown(argument)}`);
    return length !== undefined && length >= least ? null : `an array of at least ${least} elements`;
  },
  $empty: (argument, actual) => {
    const empty =
      actual === undefined ||
      actual === null ||
      actual === '' ||
      (isArray(actual) && actual.length === 0) ||
      (isObject(actual) && Object.keys(actual).length === 0);
    return empty === argument ? null : argument === true ? 'nothing' : 'something';
  },
  range: (argument, actual) => {
    const { min = null, max = null } = isObject(argument) ? argument : {};
    if (typeof min !== 'number' && typeof max !== 'number')
      throw new CaseError(`range takes min or max, not ${shown(argument)}`);
    const inside =
      typeof actual === 'number' &&
      (typeof min !== 'number' || actual >= min) &&
      (typeof max !== 'number' || actual <= max);
    return inside ? null : `a number from ${min ?? '−∞'} to ${max ?? '∞'}`;
  },
  $equals: (argument, actual) => (equal(argument, actual) ? null : `exactly ${shown(argument)}`),
  $keys: (argument, actual) => {
    const keys = texts(argument, '$keys').toSorted();
    const expected = `an object with exactly the keys ${keys.join(', ')}`;
    return isObject(actual) && equal(Object.keys(actual).toSorted(), keys)
      ? null
      : `${expected}${difference(keys, actual)}`;
  },
  $each: (argument, actual, inner) => {
    if (!isArray(actual)) return inner(argument, undefined) ?? 'an array';
    const wrong = actual.map((item) => inner(argument, item)).find((one) => one !== null);
    return wrong === undefined ? null : `an array of which each element is ${wrong}`;
  },
  $not: (argument, actual, inner) => (inner(argument, actual) === null ? `anything but ${shown(argument)}` : null),
  $after: (argument, actual) => compareTimes(argument, actual, '$after', (a, b) => a >= b),
  $before: (argument, actual) => compareTimes(argument, actual, '$before', (a, b) => a <= b),
};

function any(argument: JsonValue, actual: JsonValue | undefined, inner: Inner, name: string): string | null {
  if (!isArray(argument)) throw new CaseError(`${name} takes an array, not ${shown(argument)}`);
  const wrong = argument.map((one) => inner(one, actual));
  return wrong.includes(null) ? null : `one of ${wrong.join(' | ')}`;
}

/** `$after` and `$before` take a time, or `{ "time": …, "plus_ms": N }`; equal counts as both. */
function compareTimes(
  argument: JsonValue,
  actual: JsonValue | undefined,
  name: string,
  holds: (a: number, b: number) => boolean,
): string | null {
  const limit: JsonObject = isObject(argument) ? argument : { time: argument };
  const time = text(limit.time ?? null, name);
  const plus = typeof limit.plus_ms === 'number' ? limit.plus_ms : 0;
  const at = typeof actual === 'string' ? Date.parse(actual) : Number.NaN;
  return holds(at, Date.parse(time) + plus)
    ? null
    : `a time ${name.slice(1)} ${time}${plus === 0 ? '' : ` ${plus > 0 ? '+' : '−'} ${Math.abs(plus)} ms`}`;
}

function difference(keys: readonly string[], actual: JsonValue | undefined): string {
  if (!isObject(actual)) return '';
  const missing = keys.filter((key) => !Object.hasOwn(actual, key));
  const extra = Object.keys(actual).filter((key) => !keys.includes(key));
  return ` (missing: ${missing.join(', ') || 'none'}; not expected: ${extra.join(', ') || 'none'})`;
}

function typeOf(value: JsonValue | undefined): string {
  if (value === null) return 'null';
  return isArray(value) ? 'array' : typeof value;
}

function text(value: JsonValue, name: string): string {
  if (typeof value !== 'string') throw new CaseError(`${name} takes a string, not ${shown(value)}`);
  return value;
}

function texts(value: JsonValue, name: string): readonly string[] {
  if (!isArray(value)) throw new CaseError(`${name} takes an array of strings, not ${shown(value)}`);
  return value.map((one) => text(one, name));
}
