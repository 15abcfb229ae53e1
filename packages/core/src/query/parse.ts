import { nearestName } from '../suggestion.ts';
import { allOf, anyOf, type Condition, notOf } from './condition.ts';
import {
  type Field,
  type FieldName,
  fieldNamed,
  fieldNames,
  fields,
  operatorsOf,
  queryNames,
  tellsPayload,
} from './fields.ts';
import { Lexer, type Token } from './lexer.ts';
import { QueryError, quoted } from './query-error.ts';
import { expectedValue, plainText, readTerm } from './terms.ts';

/** Characters of a query, which are Unicode code points. */
export const maxQueryLength = 2_000;
/** Values that a query compares with, in all of its terms. */
export const maxQueryValues = 100;
/** Levels of parentheses and of NOT. */
export const maxQueryNesting = 20;
/** Names and positions of one path. */
export const maxQuerySteps = 32;

const expectedTerm = 'a term such as state:failed, or a word to search for';

/**
 * Reads a query, such as `state:failed type:email.* error~"timeout" args[0].user=42` (docs/reference/query.md). Terms
 * beside each other must all match; an empty query matches every job.
 * @throws QueryError with the position. No text makes it throw anything else, and the time grows with the length.
 */
export function parseQuery(text: string): Condition {
  // A longer text is read only as far as the message can show it. No character has more than two UTF-16 code units.
  const head = [...text.slice(0, 2 * maxQueryLength + 100)];
  if (head.length > maxQueryLength) {
    const position = head.slice(0, maxQueryLength).join('').length;
    const problem = `the query has more than ${maxQueryLength} characters`;
    throw new QueryError(head.join(''), { position, problem, expected: `at most ${maxQueryLength}` });
  }
  return new Parser(text).whole();
}

/** The field that jobs are counted by, and for JSON the path in it. */
export interface FieldPlace {
  readonly field: FieldName;
  readonly path: readonly (string | number)[];
}

/**
 * Reads the name of a field that jobs share, such as `type`, `meta.tenant` or `args[0].user`.
 * @throws QueryError with the position.
 */
export function parsePlace(text: string): FieldPlace {
  if (text.length > maxQueryLength) {
    const problem = `the name of the field has more than ${maxQueryLength} characters`;
    throw new QueryError(text.slice(0, maxQueryLength), { position: 0, problem, expected: 'a shorter one' });
  }
  return new Parser(text).place();
}

/** Reports whether the values reveal something of arguments, meta or results of jobs. */
export function isPayload({ field }: FieldPlace): boolean {
  return tellsPayload(field);
}

class Parser {
  readonly #lexer: Lexer;
  #values = 0;

  constructor(text: string) {
    this.#lexer = new Lexer(text);
  }

  whole(): Condition {
    const lexer = this.#lexer;
    lexer.skipSpace();
    if (lexer.isAtEnd) return allOf([]);
    const condition = this.#any(0);
    if (lexer.isAtEnd) return condition;
    throw this.#error('a ) without its (', expectedTerm);
  }

  place(): FieldPlace {
    const lexer = this.#lexer;
    const name = lexer.name();
    const field = fieldNamed(name);
    if (field === undefined) throw this.#unknown(name, 0);
    const definition: Field = fields[field];
    const { kind } = definition;
    if (kind === 'everything' || kind === 'age' || kind === 'time')
      throw this.#error(`jobs are not counted by ${field}`, 'a field that jobs share, such as type or meta.tenant', 0);
    const path = kind === 'json' ? this.#path(definition) : [];
    if (lexer.isAtEnd) return { field, path };
    throw this.#error(`${lexer.found()} behind the field`, 'a field alone, such as type, meta.tenant or args[0].user');
  }

  #any(depth: number): Condition {
    const parts = [this.#all(depth)];
    while (this.#lexer.takesKeyword('OR')) parts.push(this.#all(depth));
    return anyOf(parts);
  }

  #all(depth: number): Condition {
    const lexer = this.#lexer;
    const parts: Condition[] = [];
    let isOpen = true;
    for (;;) {
      lexer.skipSpace();
      if (this.#isEnd() || (isOpen && lexer.isKeyword('AND'))) break;
      isOpen = lexer.takesKeyword('AND');
      if (!isOpen) parts.push(this.#one(depth));
    }
    if (isOpen) throw this.#error(`a term is missing before ${lexer.found()}`, expectedTerm);
    return allOf(parts);
  }

  /** True where no term follows. */
  #isEnd(): boolean {
    return this.#lexer.isAtEnd || this.#lexer.next === ')' || this.#lexer.isKeyword('OR');
  }

  #one(depth: number): Condition {
    const lexer = this.#lexer;
    const { position } = lexer;
    if (depth > maxQueryNesting)
      throw this.#error('too many levels of ( and NOT', `at most ${maxQueryNesting} levels`, position);
    if (lexer.takes('(')) {
      const inner = this.#any(depth + 1);
      if (lexer.takes(')')) return inner;
      throw this.#error('the ( is not closed', ')', position);
    }
    if (!lexer.takes('-') && !lexer.takesKeyword('NOT')) return this.#term();
    lexer.skipSpace();
    if (this.#isEnd() || lexer.isKeyword('AND'))
      throw this.#error(`a term is missing before ${lexer.found()}`, expectedTerm);
    return notOf(this.#one(depth + 1));
  }

  #term(): Condition {
    const lexer = this.#lexer;
    const { position } = lexer;
    const name = lexer.name();
    const field = fieldNamed(name);
    const isPath = field !== undefined && fields[field].kind === 'json' && (lexer.next === '.' || lexer.next === '[');
    const path = isPath ? this.#path(fields[field]) : [];
    const operator = name === '' ? null : lexer.operator();
    if (operator === null && isPath)
      throw this.#error('a path without an operator', 'an operator, such as args[0].user=42');
    if (operator === null) {
      lexer.rewind(position);
      return this.#word();
    }
    if (field === undefined) throw this.#unknown(name, position);
    const definition: Field = fields[field];
    const known: readonly string[] = operatorsOf[definition.kind];
    if (!known.includes(operator))
      throw this.#error(`${field} does not know ${operator}`, `${known.join(' ')} behind ${field}`, position);
    const tokens = this.#tokens(definition, operator === '~' || operator === ':' || operator === '!=');
    const term = readTerm(lexer, { field, path, operator: operator === '!=' ? ':' : operator, tokens });
    return operator === '!=' ? notOf(term) : term;
  }

  /** Values with commas between them. */
  #tokens({ kind }: Field, isList: boolean): readonly [Token, ...Token[]] {
    const lexer = this.#lexer;
    const expected = expectedValue[kind];
    lexer.skipSpace();
    if (lexer.next === '(')
      throw this.#error('a ( where a value is due', 'values with commas, such as state:active,retryable');
    const first = this.#value(expected);
    const more: Token[] = [];
    for (;;) {
      const { position } = lexer;
      lexer.skipSpace();
      const comma = lexer.position;
      if (!lexer.takes(',')) {
        lexer.rewind(position);
        return [first, ...more];
      }
      if (!isList || kind === 'time' || kind === 'flag') throw this.#error('a second value', 'one value', comma);
      lexer.skipSpace();
      more.push(this.#value(expected));
    }
  }

  #value(expected: string): Token {
    if (++this.#values > maxQueryValues)
      throw this.#error('too many values', `at most ${maxQueryValues} values in a query`);
    return this.#lexer.value(expected);
  }

  /** A word or a text without a field, which is searched everywhere. */
  #word(): Condition {
    const lexer = this.#lexer;
    const { position } = lexer;
    if (/[:=!<>~,]/.test(lexer.next)) throw this.#error(`${lexer.found()} without a field`, expectedTerm);
    const token = this.#value(expectedTerm);
    const end = token.form === 'bare' || token.form === 'prefix' ? /[:=<>~]|!=/.exec(token.text) : null;
    if (end !== null) throw this.#unknown(token.text.slice(0, end.index), position);
    return { kind: 'part', field: 'text', parts: [plainText(lexer, token)] };
  }

  #path(field: Field): readonly (string | number)[] {
    const lexer = this.#lexer;
    const first = field.kind === 'json' ? field.first : 'any';
    const steps: (string | number)[] = [];
    for (;;) {
      const { position } = lexer;
      const isPosition = lexer.takes('[');
      if (!isPosition && !lexer.takes('.')) return steps;
      if (steps.length === maxQuerySteps)
        throw this.#error('the path is too long', `at most ${maxQuerySteps} steps`, position);
      if (steps.length === 0 && first !== 'any' && (first === 'position') !== isPosition)
        throw this.#error(
          'the path begins wrongly',
          first === 'position' ? 'a position, such as args[0]' : 'a name, such as meta.tenant',
          position,
        );
      steps.push(isPosition ? this.#position() : this.#member());
    }
  }

  #position(): number {
    const { position } = this.#lexer;
    const digits = this.#lexer.name();
    if (/^[0-9]{1,9}$/.test(digits) && this.#lexer.takes(']')) return Number(digits);
    throw this.#error('a wrong position', 'a whole number from 0 and ], such as args[0]', position);
  }

  #member(): string {
    const lexer = this.#lexer;
    if (lexer.next === '"') return lexer.quotedText();
    const name = lexer.name();
    if (name !== '') return name;
    throw this.#error('a name is missing', 'the name of a member; other characters in quotes, as meta."a b"');
  }

  #unknown(name: string, position: number): QueryError {
    const suggestion = nearestName(name, queryNames());
    const problem = `unknown field ${quoted(name)}`;
    const ways = `args[0].${name} or meta.${name} for a value of the job, or quotes around the text to search for it`;
    const expected = `a field out of ${fieldNames().join(', ')}; or ${ways}`;
    return this.#lexer.error({ position, problem, expected, suggestion });
  }

  #error(problem: string, expected: string, position: number = this.#lexer.position): QueryError {
    return this.#lexer.error({ position, problem, expected });
  }
}
