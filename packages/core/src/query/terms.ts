import { isState, State, type StateMask, Terminal } from '../job/states.ts';
import { isNumber } from '../json/document.ts';
import { nearestName } from '../suggestion.ts';
import { readDuration } from '../time/duration.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import type { JsonPattern, Moment, Pattern, Term } from './condition.ts';
import { type Field, type FieldName, type FieldOf, fields, type Operator } from './fields.ts';
import type { Lexer, Token } from './lexer.ts';
import { type QueryError, quoted } from './query-error.ts';

/** Words for sets of states, beside the names of the states. */
export const stateWords: Readonly<Record<string, StateMask>> = {
  waiting: State.available,
  running: State.active,
  failed: State.retryable | State.discarded,
  finished: Terminal,
};

/** Completes "Expected …" for a value of this kind. */
export const expectedValue: Readonly<Record<Field['kind'], string>> = {
  states: `states out of ${[...Object.keys(State), ...Object.keys(stateWords)].join(', ')}`,
  flag: 'true or false',
  text: 'a text, such as mail, mail* or "two words"',
  everything: 'a text to search for',
  number: 'a number',
  time: 'a day such as 2026-01-31, a time such as 2026-01-31T09:00:00Z, or one from now such as -2h',
  age: 'a duration such as 30s, 5m, 2h, 7d or PT1H30M',
  json: 'a value, such as 42, true, null, acme or "two words"',
};

export interface Written {
  readonly field: FieldName;
  readonly path: readonly (string | number)[];
  readonly operator: Exclude<Operator, '!='>;
  readonly tokens: readonly [Token, ...Token[]];
}

/** @throws QueryError for a value that the field cannot have. */
export function readTerm(lexer: Lexer, { field, path, operator, tokens }: Written): Term {
  const [token] = tokens;
  if (operator === '~') {
    const parts = tokens.map((one) => plainText(lexer, one));
    if (isOf(field, 'json')) return { kind: 'json', field, path, test: { operator, parts } };
    if (isOf(field, 'text') || isOf(field, 'everything')) return { kind: 'part', field, parts };
  } else if (operator === ':') {
    if (isOf(field, 'states'))
      return { kind: 'states', mask: tokens.reduce((mask, one) => mask | maskOf(lexer, one), 0) };
    if (isOf(field, 'flag')) return { kind: 'flag', field, value: flagOf(lexer, token) };
    if (isOf(field, 'text')) return { kind: 'text', field, values: tokens.map(patternOf) };
    if (isOf(field, 'number')) {
      const values = tokens.map((one) => numberOf(lexer, one));
      return { kind: 'number', field, test: { operator, values } };
    }
    if (isOf(field, 'time')) return { kind: 'time', field, test: { operator, value: momentOf(lexer, token) } };
    if (isOf(field, 'json')) return { kind: 'json', field, path, test: { operator, values: tokens.map(jsonOf) } };
  } else {
    if (isOf(field, 'number')) return { kind: 'number', field, test: { operator, value: numberOf(lexer, token) } };
    if (isOf(field, 'time')) return { kind: 'time', field, test: { operator, value: timeOf(lexer, token) } };
    if (isOf(field, 'age')) return { kind: 'age', operator, ms: durationOf(lexer, token) };
    if (isOf(field, 'json')) return { kind: 'json', field, path, test: { operator, value: boundOf(lexer, token) } };
  }
  throw new Error(`${field} ${operator} is in the table of operators, and nothing reads it.`);
}

function isOf<Kind extends Field['kind']>(field: FieldName, kind: Kind): field is FieldOf<Kind> {
  return fields[field].kind === kind;
}

/** A text to be found within others. */
export function plainText(lexer: Lexer, token: Token): string {
  const { position, text, form } = token;
  if (form === 'prefix' || form === 'quoted prefix')
    throw lexer.error({ position, problem: '* behind a text that is found anywhere', expected: 'the text without *' });
  if (text === '') throw wrongValue(lexer, token, 'everything');
  return text;
}

function maskOf(lexer: Lexer, token: Token): StateMask {
  const { text, form } = token;
  const mask = isState(text) ? State[text] : Object.hasOwn(stateWords, text) ? stateWords[text] : undefined;
  if (mask !== undefined && !isPrefix(form)) return mask;
  throw wrongValue(lexer, token, 'states', nearestName(text, [...Object.keys(State), ...Object.keys(stateWords)]));
}

function flagOf(lexer: Lexer, token: Token): boolean {
  const { text, form } = token;
  if ((text === 'true' || text === 'false') && !isPrefix(form)) return text === 'true';
  throw wrongValue(lexer, token, 'flag');
}

function patternOf({ text, form }: Token): Pattern {
  return { kind: isPrefix(form) ? 'prefix' : 'exact', text };
}

function jsonOf(token: Token): JsonPattern {
  return token.form === 'bare' && isLiteral(token.text) ? { kind: 'literal', text: token.text } : patternOf(token);
}

/** A number, `true`, `false` or `null`, as JSON writes it. */
export function isLiteral(text: string): boolean {
  return text === 'true' || text === 'false' || text === 'null' || isNumber(text);
}

function boundOf(lexer: Lexer, token: Token): { readonly kind: 'number' | 'text'; readonly text: string } {
  const { text, form } = token;
  if (isPrefix(form)) throw wrongValue(lexer, token, 'json');
  return { kind: form === 'bare' && isNumber(text) ? 'number' : 'text', text };
}

function numberOf(lexer: Lexer, token: Token): string {
  if (token.form === 'bare' && isNumber(token.text)) return token.text;
  throw wrongValue(lexer, token, 'number');
}

function momentOf(lexer: Lexer, token: Token): Moment | 'present' {
  if (token.form === 'prefix' && token.text === '') return 'present';
  const time = timeOf(lexer, token);
  if (time.kind !== 'relative') return time;
  const { position } = token;
  throw lexer.error({ position, problem: 'no job has exactly a time from now', expected: '<, <=, > or >= before it' });
}

function timeOf(lexer: Lexer, token: Token): Moment | { readonly kind: 'relative'; readonly ms: number } {
  const { text, form } = token;
  if (isPrefix(form)) throw wrongValue(lexer, token, 'time');
  if (text === 'now') return { kind: 'relative', ms: 0 };
  const length = /^[+-]/.test(text) ? readDuration(text.slice(1)) : null;
  if (length !== null) return { kind: 'relative', ms: length === 0 || text.startsWith('+') ? length : -length };
  const day = parseTimestamp(`${text}T00:00:00Z`);
  if (day !== null) return { kind: 'day', at: day };
  const at = parseTimestamp(text);
  if (at !== null) return { kind: 'moment', at };
  throw wrongValue(lexer, token, 'time', readDuration(text) === null ? undefined : `-${text}`);
}

function durationOf(lexer: Lexer, token: Token): number {
  const { text, form } = token;
  const ms = isPrefix(form) ? null : readDuration(text);
  if (ms !== null) return ms;
  const positive = text.replace(/^[+-]/, '');
  throw wrongValue(lexer, token, 'age', readDuration(positive) === null ? undefined : positive);
}

function isPrefix(form: Token['form']): boolean {
  return form === 'prefix' || form === 'quoted prefix';
}

function wrongValue(lexer: Lexer, { position, text }: Token, kind: Field['kind'], suggestion?: string): QueryError {
  return lexer.error({ position, problem: `wrong value ${quoted(text)}`, expected: expectedValue[kind], suggestion });
}
