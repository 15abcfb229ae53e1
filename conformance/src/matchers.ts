import { CaseError, equal, isArray, isObject, type JsonObject, type JsonValue, shown } from './json.ts';
import { operators } from './operators.ts';
import { named } from './strings.ts';

export interface MatchOptions {
  /** Of `~N`: per cent of the expected value, at least 100 (reference, "Approximate Matching"). */
  readonly tolerancePct: number;
}

export const defaultMatchOptions: MatchOptions = { tolerancePct: 50 };

/**
 * Returns null if the value matches, else in words what was expected. An absent value is `undefined`.
 * @throws CaseError for a matcher that is not in the format.
 */
export function mismatch(
  matcher: JsonValue,
  actual: JsonValue | undefined,
  options: MatchOptions = defaultMatchOptions,
): string | null {
  if (typeof matcher === 'string') return named(matcher, actual, options);
  if (isArray(matcher)) return positional(matcher, actual, options);
  if (isObject(matcher)) return byObject(matcher, actual, options);
  return equal(matcher, actual) ? null : shown(matcher);
}

function positional(
  matchers: readonly JsonValue[],
  actual: JsonValue | undefined,
  options: MatchOptions,
): string | null {
  const expected = `an array of ${matchers.length} elements like ${shown(matchers)}`;
  if (!isArray(actual) || actual.length !== matchers.length) {
    for (const matcher of matchers) mismatch(matcher, undefined, options);
    return expected;
  }
  for (const [index, matcher] of matchers.entries()) {
    const wrong = mismatch(matcher, actual[index], options);
    if (wrong !== null) return `${expected}: at [${index}] ${wrong}`;
  }
  return null;
}

/** All operators must hold. An object without operators matches by its fields; other fields are allowed. */
function byObject(matcher: JsonObject, actual: JsonValue | undefined, options: MatchOptions): string | null {
  const keys = Object.keys(matcher);
  const asked = keys.filter((key) => key.startsWith('$') || key === 'range');
  if (asked.length > 0 && asked.length < keys.length)
    throw new CaseError(`matcher ${shown(matcher)} mixes operators and fields`);
  const wrong: string[] = [];
  for (const key of keys) {
    const argument = matcher[key] ?? null;
    if (asked.length === 0) {
      const field = isObject(actual) && Object.hasOwn(actual, key) ? actual[key] : undefined;
      const inside = mismatch(argument, field, options);
      if (inside !== null) wrong.push(`.${key}: ${inside}`);
      continue;
    }
    const operator = operators[key];
    if (operator === undefined) throw new CaseError(`matcher ${shown(matcher)}: there is no operator ${key}`);
    const inside = operator(argument, actual, (inner, value) => mismatch(inner, value, options));
    if (inside !== null) wrong.push(inside);
  }
  if (matcher.$exists === false && actual === undefined) return null;
  return wrong.length === 0 ? null : wrong.join(', ');
}
