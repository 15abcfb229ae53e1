import { ProtocolError } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { decimalText } from './decimal.ts';
import { maxDepth } from './json.ts';

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const comma = 0x2c;

/**
 * The one text of all JSON texts with the same meaning: RFC 8785, with strings and keys in Unicode's NFC
 * (ojs-unique-jobs §4.2), and exact numbers even beyond a double. Reads the text once. If keys are equal, or become
 * equal in NFC, the last one wins.
 *
 * A number has its ECMAScript form if that is its exact value, as 1000 for `1.0e3`; else its digits and exponent, as
 * `9007199254740993e0`.
 * @param text valid JSON.
 * @throws ProtocolError `invalid_payload` for a text that nests deeper than {@link maxDepth} levels.
 */
export function canonicalJson(text: Json): string {
  return new Reader(text).value(0);
}

/** The canonical text of an object whose members are canonical already. */
export function canonicalObject(members: ReadonlyMap<string, string>): string {
  let text = '';
  // sort() without a comparison function compares UTF-16 code units, as RFC 8785 §3.2.3 does.
  for (const key of [...members.keys()].sort())
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${members.get(key)}`;
  return `{${text}}`;
}

/** `JSON.stringify` writes a lone surrogate as an escape, so two different ones differ in UTF-8 too. */
export function canonicalString(value: string): string {
  return JSON.stringify(normalised(value));
}

/** Characters below U+0300 are the same in NFC, whatever follows. */
const maybeDecomposed = /[\u0300-\uffff]/;
/**
 * More marks on one character than any script has; Unicode's own bound is 30 (UAX #15 §13). Sorting such a run takes
 * the engine time that grows with its square: 2 s for 64,000 marks, minutes for an envelope full of them.
 */
const manyMarks = /(?:^|\P{M})\p{M}{65}/u;

/** The string in NFC. A string with more than 64 marks in a row is not normalised. */
export function normalised(value: string): string {
  return maybeDecomposed.test(value) && !manyMarks.test(value) ? value.normalize('NFC') : value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: Json) {
    this.#text = text;
  }

  /** @param depth levels around the value. */
  value(depth: number): string {
    switch (this.#next()) {
      case quote: {
        const { raw, isPlain } = this.#string();
        return isPlain ? raw : canonicalString(JSON.parse(raw));
      }
      case openBrace:
        return this.#object(depth + 1);
      case openBracket:
        return this.#array(depth + 1);
      default:
        return this.#scalar();
    }
  }

  #array(depth: number): string {
    this.#open(depth);
    let text = '';
    while (this.#next() !== closeBracket) {
      text += `${text === '' ? '' : ','}${this.value(depth)}`;
      if (!this.#continues()) break;
    }
    this.#at++;
    return `[${text}]`;
  }

  #object(depth: number): string {
    this.#open(depth);
    const members = new Map<string, string>();
    while (this.#next() === quote) {
      const { raw, isPlain } = this.#string();
      const key = isPlain ? raw.slice(1, -1) : normalised(JSON.parse(raw));
      this.#next();
      this.#at++;
      members.set(key, this.value(depth));
      if (!this.#continues()) break;
    }
    this.#at++;
    return canonicalObject(members);
  }

  #open(depth: number): void {
    if (depth > maxDepth) {
      throw new ProtocolError(
        'invalid_payload',
        `A value nests deeper than ${maxDepth} levels at position ${this.#at}.`,
        {
          position: this.#at,
        },
      );
    }
    this.#at++;
  }

  /** The code of the next character that is no white space; NaN at the end. */
  #next(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (!(code <= 0x20)) return code;
      this.#at++;
    }
  }

  /** Skips the comma after an item, if there is one. */
  #continues(): boolean {
    if (this.#next() !== comma) return false;
    this.#at++;
    return true;
  }

  /**
   * A string with its quotes; plain if it has neither escapes nor characters beyond ASCII, and so is canonical already.
   */
  #string(): { readonly raw: string; readonly isPlain: boolean } {
    const text = this.#text;
    const start = this.#at;
    let isPlain = true;
    let end = start + 1;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === quote) break;
      if (code === backslash) end++;
      if (code === backslash || code >= 0x80) isPlain = false;
    }
    this.#at = end + 1;
    return { raw: text.slice(start, end + 1), isPlain };
  }

  #scalar(): string {
    const text = this.#text;
    const start = this.#at;
    let end = start;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === comma || code === closeBracket || code === closeBrace || code <= 0x20) break;
    }
    this.#at = end;
    const token = text.slice(start, end);
    return token === 'true' || token === 'false' || token === 'null' ? token : canonicalNumber(token);
  }
}

/** @param literal a number as JSON writes it, of any length and exponent. */
function canonicalNumber(literal: string): string {
  const number = Number(literal);
  const shortest = String(number);
  if (shortest === literal) return literal;
  const exact = decimalText(literal);
  return Number.isFinite(number) && decimalText(shortest) === exact ? shortest : exact;
}
