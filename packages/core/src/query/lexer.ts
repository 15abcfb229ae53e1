import type { Operator } from './fields.ts';
import { QueryError, type QueryProblem, quoted } from './query-error.ts';

/** A value as written. */
export interface Token {
  readonly position: number;
  readonly text: string;
  /** With a `*` at its end, which is no part of `text`, a value is a prefix. */
  readonly form: 'bare' | 'quoted' | 'prefix' | 'quoted prefix';
}

const space = /\s/;
/** The characters that end a name; a name with one of them is written in quotes. */
export const endOfName = /[\s()",:=!<>~[\].*]/;
/** The characters that end a value without quotes. */
const endOfWord = /[\s()",]/;
const operator = /:?[<>]=?|!=|[:=~]/y;
/** Every spelling; `created:>2026-01-31` is what other search boxes know. */
const operators: Readonly<Record<string, Operator>> = {
  ':': ':',
  '=': ':',
  '!=': '!=',
  '~': '~',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  ':<': '<',
  ':<=': '<=',
  ':>': '>',
  ':>=': '>=',
};
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const unicode = /u[0-9a-fA-F]{4}/y;

/** Reads a query from left to right. Every step is a bounded number of passes over what it reads. */
export class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get position(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The next character; empty at the end. */
  get next(): string {
    return this.#text.charAt(this.#at);
  }

  skipSpace(): void {
    while (space.test(this.next)) this.#at++;
  }

  /** Reads this character, if it is the next one. */
  takes(character: string): boolean {
    if (this.next !== character || character === '') return false;
    this.#at++;
    return true;
  }

  /** Reads `OR`, `AND` or `NOT` as a word of its own. */
  takesKeyword(keyword: string): boolean {
    const end = this.#at + keyword.length;
    if (!this.#text.startsWith(keyword, this.#at)) return false;
    if (end < this.#text.length && !endOfWord.test(this.#text.charAt(end))) return false;
    this.#at = end;
    return true;
  }

  isKeyword(keyword: string): boolean {
    const start = this.#at;
    const found = this.takesKeyword(keyword);
    this.#at = start;
    return found;
  }

  /** A name without quotes; empty if there is none. */
  name(): string {
    return this.#until(endOfName);
  }

  /** Goes back to where a word began. */
  rewind(position: number): void {
    this.#at = position;
  }

  /** The operator here, behind any space; null, and nothing is read, if there is none. */
  operator(): Operator | null {
    const start = this.#at;
    this.skipSpace();
    operator.lastIndex = this.#at;
    const [found = ''] = operator.exec(this.#text) ?? [];
    this.#at = found === '' ? start : this.#at + found.length;
    return operators[found] ?? null;
  }

  /** A word, or a text in quotes. */
  value(expected: string): Token {
    const position = this.#at;
    const isQuoted = this.next === '"';
    const text = isQuoted ? this.quotedText() : this.#word(expected);
    if (isQuoted) {
      const isPrefix = this.takes('*');
      if (!this.isAtEnd && !/[\s(),]/.test(this.next))
        throw this.error({ position: this.#at, problem: 'a text in quotes ends here', expected: 'a space' });
      return { position, text, form: isPrefix ? 'quoted prefix' : 'quoted' };
    }
    const star = text.indexOf('*');
    if (star !== -1 && star < text.length - 1) {
      throw this.error({
        position: position + star,
        problem: '* is only known at the end of a value',
        expected: `a prefix such as email.*, or the value in quotes`,
      });
    }
    return star === -1 ? { position, text, form: 'bare' } : { position, text: text.slice(0, -1), form: 'prefix' };
  }

  #word(expected: string): string {
    const position = this.#at;
    const text = this.#until(endOfWord);
    const problem = text === '' ? 'a value is missing' : `a value cannot begin with ${text.charAt(0)}`;
    if (text === '' || /^[:=<>~]|^!=/.test(text)) throw this.error({ position, problem, expected });
    if (text.startsWith("'"))
      throw this.error({ position, problem: 'a text in single quotes', expected: 'double quotes: "…"' });
    return text;
  }

  /** The text in double quotes that begins here, with the escapes of JSON. */
  quotedText(): string {
    const start = this.#at;
    let text = '';
    for (this.#at++; !this.isAtEnd; this.#at++) {
      const one = this.next;
      if (one === '"') {
        this.#at++;
        return text;
      }
      text += one === '\\' ? this.#escape() : one;
    }
    throw this.error({ position: start, problem: 'the quote is not closed', expected: '" at the end of the text' });
  }

  /** The character of the escape here; ends on its last character. */
  #escape(): string {
    const position = this.#at++;
    const short = escapes[this.next];
    if (short !== undefined) return short;
    unicode.lastIndex = this.#at;
    const [code] = unicode.exec(this.#text) ?? [];
    if (code === undefined)
      throw this.error({
        position,
        problem: 'an unknown escape',
        expected: '\\", \\\\, \\n, \\t or \\u and four digits',
      });
    this.#at += code.length - 1;
    return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  }

  #until(end: RegExp): string {
    const start = this.#at;
    while (!this.isAtEnd && !end.test(this.next)) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  error(problem: QueryProblem): QueryError {
    return new QueryError(this.#text, problem);
  }

  /** Describes the text here, for a message. */
  found(): string {
    const { position } = this;
    const text = this.#until(space);
    this.rewind(position);
    return text === '' ? 'the end' : quoted(text);
  }
}
