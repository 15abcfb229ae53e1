import { compareDecimals, decimalOf } from '../json/decimal.ts';
import type { NumberTest, Pattern } from './condition.ts';
import { type Field, type FieldOf, fields, type Order } from './fields.ts';

/** Converts a pattern to the form in which values of jobs are compared. */
export function comparedAs(field: FieldOf<'text'>, { kind, text }: Pattern): Pattern {
  const { comparedAs }: Extract<Field, { kind: 'text' }> = fields[field];
  return { kind, text: kind === 'prefix' || comparedAs === undefined ? text : comparedAs(text) };
}

export function isLike(text: string, pattern: Pattern): boolean {
  return pattern.kind === 'exact' ? text === pattern.text : text.startsWith(pattern.text);
}

/** Reports whether a text in lower case contains one of the parts, in any case. */
export function partMatcher(parts: readonly string[]): (lower: string) => boolean {
  const wanted = parts.map((part) => part.toLowerCase());
  return (lower) => wanted.some((part) => lower.includes(part));
}

/** For numbers as JSON writes them: by their exact values, whatever their length. */
export function numberMatcher(test: NumberTest): (literal: string) => boolean {
  const { operator } = test;
  const bounds = (operator === ':' ? test.values : [test.value]).map(decimalOf);
  return (literal) => {
    const value = decimalOf(literal);
    return bounds.some((bound) => {
      const order = compareDecimals(value, bound);
      return operator === ':' ? order === 0 : isOrdered(order, operator);
    });
  };
}

/** @param order below 0 for less, above 0 for more. */
export function isOrdered(order: number, operator: Order): boolean {
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}
