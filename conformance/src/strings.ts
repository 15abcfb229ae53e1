import { CaseError, isArray, type JsonValue, printed } from './json.ts';

type Test = (actual: JsonValue | undefined) => boolean;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const datetime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

const text =
  (test: (actual: string) => boolean): Test =>
  (actual) =>
    typeof actual === 'string' && test(actual);
const number =
  (test: (actual: number) => boolean): Test =>
  (actual) =>
    typeof actual === 'number' && test(actual);
const list =
  (test: (actual: readonly JsonValue[]) => boolean): Test =>
  (actual) =>
    isArray(actual) && test(actual);

const fixed: Readonly<Record<string, Test>> = {
  any: (actual) => actual !== undefined && actual !== null,
  absent: (actual) => actual === undefined || actual === null,
  exists: (actual) => actual !== undefined,
  'string:nonempty': text((actual) => actual !== ''),
  'string:non_empty': text((actual) => actual !== ''),
  'string:uuid': text((actual) => uuid.test(actual)),
  'string:uuidv7': text((actual) => uuidv7.test(actual)),
  'string:datetime': text((actual) => datetime.test(actual)),
  'number:positive': number((actual) => actual > 0),
  'number:non_negative': number((actual) => actual >= 0),
  'array:nonempty': list((actual) => actual.length > 0),
  'array:empty': list((actual) => actual.length === 0),
};

const withArgument: readonly (readonly [RegExp, (argument: string, second: string, tolerancePct: number) => Test])[] = [
  [/^string:contains:(.*)$/s, (part) => text((actual) => actual.includes(part))],
  [/^string:pattern\((.*)\)$/s, (pattern) => text((actual) => regex(pattern).test(actual))],
  [
    /^number:range\(\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*\)$/,
    (low, high) => number((actual) => actual >= Number(low) && actual <= Number(high)),
  ],
  [/^array:length(?::|\()(\d+)\)?$/, (length) => list((actual) => actual.length === Number(length))],
  [/^array:min(?:_length)?:(\d+)$/, (length) => list((actual) => actual.length >= Number(length))],
  [/^contains:(.*)$/s, (part) => list((actual) => actual.some((item) => printed(item) === part))],
  [/^not_contains:(.*)$/s, (part) => list((actual) => actual.every((item) => printed(item) !== part))],
  [
    /^~(-?\d+(?:\.\d+)?)$/,
    (expected, _, tolerancePct) => number((actual) => near(actual, Number(expected), tolerancePct)),
  ],
  [
    /^one_of:(.*)$/s,
    (options) => (actual) => actual !== undefined && options.split(',').some((one) => one.trim() === printed(actual)),
  ],
];

/** A string matcher: one of the named matchers, or the string itself. */
export function named(
  matcher: string,
  actual: JsonValue | undefined,
  options: { readonly tolerancePct: number },
): string | null {
  const test = testOf(matcher, options.tolerancePct);
  if (test === undefined) return actual === matcher ? null : JSON.stringify(matcher);
  return test(actual) ? null : matcher;
}

function testOf(matcher: string, tolerancePct: number): Test | undefined {
  if (Object.hasOwn(fixed, matcher)) return fixed[matcher];
  for (const [form, make] of withArgument) {
    const found = form.exec(matcher);
    if (found) return make(found[1] ?? '', found[2] ?? '', tolerancePct);
  }
  if (/^(string|number|array):/.test(matcher)) throw new CaseError(`there is no matcher ${JSON.stringify(matcher)}`);
  return undefined;
}

/** |actual − expected| within the tolerance, which is never below 100 (milliseconds). */
export function near(actual: number, expected: number, tolerancePct: number): boolean {
  return Math.abs(actual - expected) <= Math.max((Math.abs(expected) * tolerancePct) / 100, 100);
}

export function regex(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new CaseError(`${JSON.stringify(pattern)} is not a regular expression: ${String(error)}`);
  }
}
