import type { Json } from '../job/job.ts';
import { valueAt } from '../json/json.ts';
import { isNumber } from '../json/syntax.ts';
import { isLike, isOrdered, numberMatcher, partMatcher } from './comparisons.ts';
import type { JsonPattern, JsonTest } from './condition.ts';

/** For documents: whether their value at the path passes the test. A document without such a value does not. */
export function jsonMatcher(path: readonly (string | number)[], test: JsonTest): (document: Json) => boolean {
  const matches = valueMatcher(test);
  return (document) => {
    const value = valueAt(document, path);
    return value !== undefined && matches(value);
  };
}

function valueMatcher(test: JsonTest): (value: Json) => boolean {
  if (test.operator === '~') {
    const contains = partMatcher(test.parts);
    // What is no string is searched as the client wrote it.
    return (value) => contains(stringIn(value) ?? value);
  }
  if (test.operator === ':') {
    const matchers = test.values.map(patternMatcher);
    return (value) => matchers.some((matches) => matches(value));
  }
  const { operator, value: bound } = test;
  if (bound.kind === 'number') {
    const matches = numberMatcher({ operator, value: bound.text });
    return (value) => isNumberText(value) && matches(value);
  }
  return (value) => {
    const text = stringIn(value);
    // By UTF-16 code units, as JavaScript compares.
    return text !== null && isOrdered(text === bound.text ? 0 : text < bound.text ? -1 : 1, operator);
  };
}

function patternMatcher(pattern: JsonPattern): (value: Json) => boolean {
  const { kind, text } = pattern;
  if (kind === 'literal') {
    const isSame = isNumber(text) ? numberMatcher({ operator: ':', values: [text] }) : null;
    return (value) => {
      if (value === text || stringIn(value) === text) return true;
      return isSame !== null && isNumberText(value) && isSame(value);
    };
  }
  if (kind === 'prefix' && text === '') return (value) => value !== 'null';
  return (value) => {
    const string = stringIn(value);
    return string !== null && isLike(string, { kind, text });
  };
}

/** The string that the text of a value means; null for any other value. */
function stringIn(value: Json): string | null {
  return value.startsWith('"') ? JSON.parse(value) : null;
}

/** The text is a value of JSON, so its first character says what it is. */
function isNumberText(value: Json): boolean {
  return /^[-0-9]/.test(value);
}
