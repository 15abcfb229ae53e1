import type { StateMask } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { type FieldOf, type Order, tellsPayload } from './fields.ts';

/** A parsed query: which jobs match. */
export type Condition =
  /** Every one of them; empty for a query that all jobs match. */
  | { readonly kind: 'all'; readonly of: readonly Condition[] }
  | { readonly kind: 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | Term;

/** One comparison of a field. If there are several values, one must match. */
export type Term =
  | { readonly kind: 'states'; readonly mask: StateMask }
  | { readonly kind: 'flag'; readonly field: FieldOf<'flag'>; readonly value: boolean }
  | { readonly kind: 'text'; readonly field: FieldOf<'text'>; readonly values: readonly Pattern[] }
  | { readonly kind: 'part'; readonly field: FieldOf<'text' | 'everything'>; readonly parts: readonly string[] }
  | { readonly kind: 'number'; readonly field: FieldOf<'number'>; readonly test: NumberTest }
  | { readonly kind: 'time'; readonly field: FieldOf<'time'>; readonly test: TimeTest }
  | { readonly kind: 'age'; readonly operator: Order; readonly ms: number }
  | {
      readonly kind: 'json';
      readonly field: FieldOf<'json'>;
      readonly path: readonly (string | number)[];
      readonly test: JsonTest;
    };

/** A text, or how it begins. The empty prefix matches every value that is there. */
export type Pattern = { readonly kind: 'exact' | 'prefix'; readonly text: string };

/** Numbers as JSON writes them. */
export type NumberTest =
  | { readonly operator: ':'; readonly values: readonly string[] }
  | { readonly operator: Order; readonly value: string };

export type TimeTest =
  | { readonly operator: ':'; readonly value: Moment | 'present' }
  | { readonly operator: Order; readonly value: Moment | { readonly kind: 'relative'; readonly ms: number } };

/** A day is one of UTC, from its first millisecond. */
export type Moment = { readonly kind: 'moment' | 'day'; readonly at: Millis };

export type JsonTest =
  | { readonly operator: ':'; readonly values: readonly JsonPattern[] }
  | { readonly operator: '~'; readonly parts: readonly string[] }
  | { readonly operator: Order; readonly value: { readonly kind: 'number' | 'text'; readonly text: string } };

/** A literal is a number, `true`, `false` or `null` without quotes: it also matches the string with this text. */
export type JsonPattern = Pattern | { readonly kind: 'literal'; readonly text: string };

/** Reports whether a match reveals something of the arguments, meta or results of a job. */
export function readsPayload(condition: Condition): boolean {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.some(readsPayload);
    case 'not':
      return readsPayload(condition.of);
    default:
      return 'field' in condition && tellsPayload(condition.field);
  }
}

/** All of them, without a level that says nothing. */
export function allOf(parts: readonly Condition[]): Condition {
  return joined('all', parts);
}

export function anyOf(parts: readonly Condition[]): Condition {
  return joined('any', parts);
}

export function notOf(part: Condition): Condition {
  return part.kind === 'not' ? part.of : { kind: 'not', of: part };
}

function joined(kind: 'all' | 'any', parts: readonly Condition[]): Condition {
  const of = parts.flatMap((part) => (part.kind === kind ? part.of : [part]));
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { kind, of };
}
