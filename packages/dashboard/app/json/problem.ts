import { findSyntaxError, type SyntaxProblem } from '@ojs-ts/core/json';
import { type Position, placeOf } from './position.ts';

/** The place where a text stops being JSON. */
export interface Problem extends Position {
  readonly message: string;
}

/** The server takes 64. */
const maxDepth = 500;

/** Null for text that is JSON. */
export function problemOf(text: string): Problem | null {
  const found = findSyntaxError(text, maxDepth);
  if (found === null) return null;
  const [message, offset = found.position] = explained(text, found);
  return { message, ...placeOf(text, offset) };
}

type Explained = readonly [message: string, offset?: number];

/** The problem for people who write JSON by hand, and its place if it is not where the text stops being JSON. */
function explained(text: string, { position, expected, from }: SyntaxProblem): Explained {
  const next = text[position];
  switch (expected) {
    case 'a JSON value':
      return aboutComma(text, position, ']') ?? aboutValue(text, position);
    case 'a string in double quotes':
      return aboutComma(text, position, '}') ?? ['Expected a key in double quotes'];
    case '":"':
      return [`Expected : after the key ${text.slice(from, position).trimEnd()}`];
    case 'the end of the text':
      return aboutScalar(text, position) ?? ['There is more text after the end of the value'];
    case '"," or "]"':
    case '"," or "}"': {
      const close = expected.at(-2);
      if (next !== undefined) return aboutScalar(text, position) ?? [`Expected , or ${close}`];
      return [`The text ends before the ${close} of what begins in line ${placeOf(text, from).line}`];
    }
    case 'the closing quote of a string':
      return ['The string has no closing quote', from];
    case 'a control character to be escaped':
      return ['A string cannot span lines; write \\n for a line break'];
    case 'a valid escape sequence':
      return ['Unknown escape; write \\\\ for a backslash'];
    default:
      return [`More than ${maxDepth} levels of nesting`];
  }
}

function aboutComma(text: string, position: number, close: ']' | '}'): Explained | null {
  const before = text.slice(0, position).trimEnd();
  if (text[position] !== close || !before.endsWith(',')) return null;
  return [`A comma before ${close} is not allowed`, before.length - 1];
}

const word = /[\p{L}_$][\p{L}\p{N}_$]*/uy;

function aboutValue(text: string, position: number): readonly [message: string] {
  const next = text[position];
  if (next === undefined) return ['The text ends where a value was expected'];
  if (next === "'") return ['Strings are in double quotes'];
  if (',]}:'.includes(next)) return [`Expected a value before ${next}`];
  word.lastIndex = position;
  const [found] = word.exec(text) ?? [];
  return [found === undefined ? `Expected a value, not ${next}` : `${found} is no value; strings are in double quotes`];
}

/** A number or a word with further characters, such as `01` or `nullable`. */
function aboutScalar(text: string, position: number): Explained | null {
  const rest = text.slice(position);
  const [number] = /-?\d[\d.eE+-]*$/.exec(text.slice(Math.max(0, position - 400), position)) ?? [];
  if (number !== undefined && /^[\d.eE]/.test(rest)) return ['Not a valid JSON number', position - number.length];
  const [begun] = /(?:true|false|null)$/.exec(text.slice(Math.max(0, position - 5), position)) ?? [];
  if (begun === undefined || !/^[\p{L}\p{N}_$]/u.test(rest)) return null;
  const start = position - begun.length;
  return [...aboutValue(text, start), start];
}
