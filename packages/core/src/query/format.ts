import { stateNames } from '../job/states.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import type { Condition, JsonPattern, JsonTest, Moment, NumberTest, Term, TimeTest } from './condition.ts';
import { endOfName } from './lexer.ts';
import { isLiteral } from './terms.ts';

/** The query that reads as this condition: one spelling for all that mean the same term. */
export function formatQuery(condition: Condition): string {
  return condition.kind === 'all' && condition.of.length === 0 ? '' : textOf(condition, 'any');
}

/** @param within the kind around it: what binds weaker needs parentheses. */
function textOf(condition: Condition, within: 'any' | 'all' | 'not'): string {
  switch (condition.kind) {
    case 'any':
      return enclosed(condition.of.map((part) => textOf(part, 'any')).join(' OR '), within !== 'any');
    case 'all':
      // Only a whole query has no terms; within another one a term that holds for all jobs says the same.
      if (condition.of.length === 0) return 'id:*';
      return enclosed(condition.of.map((part) => textOf(part, 'all')).join(' '), within === 'not');
    case 'not':
      return `-${textOf(condition.of, 'not')}`;
    default:
      return formatTerm(condition);
  }
}

function enclosed(text: string, isNeeded: boolean): string {
  return isNeeded ? `(${text})` : text;
}

function formatTerm(term: Term): string {
  switch (term.kind) {
    case 'states':
      return `state:${stateNames(term.mask).join(',')}`;
    case 'flag':
      return `${term.field}:${term.value}`;
    case 'text':
      return `${term.field}:${term.values.map(pattern).join(',')}`;
    case 'part':
      return `${term.field}~${term.parts.map(word).join(',')}`;
    case 'number':
      return `${term.field}${numberTest(term.test)}`;
    case 'time':
      return `${term.field}${timeTest(term.test)}`;
    case 'age':
      return `age${term.operator}${duration(term.ms)}`;
    case 'json':
      return `${term.field}${term.path.map(step).join('')}${jsonTest(term.test)}`;
  }
}

function numberTest(test: NumberTest): string {
  return test.operator === ':' ? `:${test.values.join(',')}` : `${test.operator}${test.value}`;
}

function timeTest({ operator, value }: TimeTest): string {
  if (value === 'present') return `${operator}*`;
  if (value.kind !== 'relative') return `${operator}${moment(value)}`;
  return `${operator}${value.ms === 0 ? 'now' : `${value.ms < 0 ? '-' : '+'}${duration(Math.abs(value.ms))}`}`;
}

function moment({ kind, at }: Moment): string {
  return kind === 'day' ? formatTimestamp(at).slice(0, 10) : formatTimestamp(at);
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** In the largest unit that needs no fraction. */
function duration(ms: number): string {
  const [unit, length] = units.find(([, one]) => ms % one === 0) ?? ['ms', 1];
  return `${ms / length}${unit}`;
}

function jsonTest(test: JsonTest): string {
  if (test.operator === ':') return `:${test.values.map(jsonPattern).join(',')}`;
  if (test.operator === '~') return `~${test.parts.map(word).join(',')}`;
  const { kind, text } = test.value;
  return `${test.operator}${kind === 'number' ? text : notLiteral(text)}`;
}

function jsonPattern({ kind, text }: JsonPattern): string {
  if (kind === 'literal') return text;
  return kind === 'prefix' ? pattern({ kind, text }) : notLiteral(text);
}

function pattern({ kind, text }: { readonly kind: 'exact' | 'prefix'; readonly text: string }): string {
  return kind === 'exact' ? word(text) : text === '' ? '*' : `${word(text)}*`;
}

/** In quotes too where the word alone would be a number, `true`, `false` or `null`. */
function notLiteral(text: string): string {
  return isLiteral(text) ? JSON.stringify(text) : word(text);
}

const needsQuotes = /[\s()",*\p{Cc}]|^[:=<>~']|^!=|^$/u;

function word(text: string): string {
  return needsQuotes.test(text) ? JSON.stringify(text) : text;
}

function step(name: string | number): string {
  if (typeof name === 'number') return `[${name}]`;
  return `.${name === '' || endOfName.test(name) || /\p{Cc}/u.test(name) ? JSON.stringify(name) : name}`;
}
