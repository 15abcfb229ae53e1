import { isNumber } from '../json/document.ts';
import { isLike, isOrdered, numberMatcher, partMatcher } from './comparisons.ts';
import type { JsonPattern, JsonTest } from './condition.ts';
import type { JsonValue } from './json-value.ts';

/** For values of documents: whether one passes the test. */
export function jsonMatcher(test: JsonTest): (value: JsonValue) => boolean {
  if (test.operator === '~') {
    const contains = partMatcher(test.parts);
    return ({ lower }) => contains(lower);
  }
  if (test.operator === ':') {
    const matchers = test.values.map(patternMatcher);
    return (value) => matchers.some((matches) => matches(value));
  }
  const { operator, value: bound } = test;
  if (bound.kind === 'number') {
    const matches = numberMatcher({ operator, value: bound.text });
    return (value) => value.isNumber && matches(value.text);
  }
  return ({ string }) =>
    // By UTF-16 code units, as JavaScript compares.
    string !== null && isOrdered(string === bound.text ? 0 : string < bound.text ? -1 : 1, operator);
}

function patternMatcher(pattern: JsonPattern): (value: JsonValue) => boolean {
  const { kind, text } = pattern;
  if (kind === 'literal') {
    const isSame = isNumber(text) ? numberMatcher({ operator: ':', values: [text] }) : null;
    return (value) => {
      if (value.text === text || value.string === text) return true;
      return isSame !== null && value.isNumber && isSame(value.text);
    };
  }
  if (kind === 'prefix' && text === '') return (value) => value.text !== 'null';
  return ({ string }) => string !== null && isLike(string, { kind, text });
}
