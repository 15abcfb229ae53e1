import { ProtocolError } from '../errors.ts';

export interface QueryProblem {
  /** Offset in the query, in UTF-16 code units from 0. */
  readonly position: number;
  /** The problem, such as `unknown field "stat"`. */
  readonly problem: string;
  /** Completes "Expected …". */
  readonly expected: string;
  /** The name that was probably meant. */
  readonly suggestion?: string | undefined;
}

/** Characters of the query that the message shows, on each side of the problem. */
const shown = 40;

/** A query that cannot be read: `invalid_request`, with the position, and a line of the message that points there. */
export class QueryError extends ProtocolError {
  /** In characters from 0: an emoji of two UTF-16 code units counts as one. */
  readonly position: number;
  readonly expected: string;

  constructor(text: string, { position: at, problem, expected, suggestion }: QueryProblem) {
    const position = lengthOf(text.slice(0, at));
    const meant = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
    super(
      'invalid_request',
      `Query, position ${position}: ${problem}. Expected ${expected}.${meant}\n${pointer(text, position)}`,
      { position, expected, ...(suggestion !== undefined && { suggestion }) },
      'Correct the query; the query language page of the documentation lists its fields and operators.',
    );
    this.position = position;
    this.expected = expected;
  }
}

/** The query around the position, and a caret below it. */
function pointer(text: string, position: number): string {
  const characters = [...text];
  const start = Math.max(0, position - shown);
  const end = position + shown;
  const part = (from: number, to: number) => plain(characters.slice(from, to).join(''));
  const before = `${start > 0 ? '…' : ''}${part(start, position)}`;
  const after = `${part(position, end)}${end < characters.length ? '…' : ''}`;
  return `${before}${after}\n${' '.repeat(lengthOf(before))}^`;
}

/** Characters of the text, which are Unicode code points. */
function lengthOf(text: string): number {
  return [...text].length;
}

/** Control characters would move the caret, or a terminal. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
}

/** A part of a query for a message. */
export function quoted(text: string): string {
  const characters = [...text];
  return JSON.stringify(characters.length > shown ? `${characters.slice(0, shown).join('')}…` : text);
}
