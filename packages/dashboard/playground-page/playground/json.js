/**
 * JSON as text: where it is wrong, and set out anew with every literal as it was written. A number of a user never goes through a JavaScript number here.
 *
 * @typedef {{ readonly message: string, readonly offset: number, readonly line: number, readonly column: number }} Problem lines and columns from 1
 * @typedef {'key' | 'string' | 'number' | 'word' | 'mark'} Kind
 * @typedef {{ readonly kind: Kind, readonly text: string }} Piece
 * @typedef {{ readonly kind: 'string' | 'number' | 'word', readonly text: string }} Scalar
 * @typedef {{ readonly kind: 'list', readonly items: readonly Node[] }} List
 * @typedef {{ readonly kind: 'record', readonly members: readonly (readonly [key: string, value: Node])[] }} Record
 * @typedef {Scalar | List | Record} Node
 */

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const string = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const space = /[ \t\r\n]*/y;
const word = /[\p{L}_$][\p{L}\p{N}_$]*/uy;

/** The server takes 64. */
const maxDepth = 500;
/** What fits into so many characters stays on one line. */
const lineWidth = 64;

class SyntaxProblem extends Error {
  /** @param {string} message @param {number} offset */
  constructor(message, offset) {
    super(message);
    this.offset = offset;
  }
}

class Reader {
  #at = 0;
  #text;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /** @returns {Node} @throws {SyntaxProblem} */
  document() {
    const value = this.#value(0);
    this.#skip();
    if (this.#at < this.#text.length) this.#fail('There is more text after the end of the value');
    return value;
  }

  /** @param {number} depth @returns {Node} */
  #value(depth) {
    this.#skip();
    if (depth > maxDepth) this.#fail(`More than ${maxDepth} levels of nesting`);
    const next = this.#text[this.#at];
    if (next === '{') return this.#record(depth);
    if (next === '[') return this.#list(depth);
    if (next === '"') return { kind: 'string', text: this.#string() };
    if (next === "'") this.#fail('Strings are in double quotes');
    if (next === ',' || next === ']' || next === '}' || next === ':') this.#fail(`Expected a value before ${next}`);
    const digits = this.#match(number);
    if (digits !== null) {
      if (/[\d.eE]/.test(this.#text[this.#at] ?? '')) this.#fail('Not a valid JSON number', this.#at - digits.length);
      return { kind: 'number', text: digits };
    }
    const found = this.#match(word);
    if (found === 'true' || found === 'false' || found === 'null') return { kind: 'word', text: found };
    if (found !== null) this.#fail(`${found} is no value; strings are in double quotes`, this.#at - found.length);
    return this.#fail(
      next === undefined ? 'The text ends where a value was expected' : `Expected a value, not ${next}`,
    );
  }

  /** @param {number} depth @returns {Record} */
  #record(depth) {
    const opened = this.#at++;
    /** @type {(readonly [string, Node])[]} */
    const members = [];
    this.#skip();
    if (this.#take('}')) return { kind: 'record', members };
    for (;;) {
      this.#skip();
      const next = this.#text[this.#at];
      if (next === '}') this.#fail('A comma before } is not allowed', this.#text.lastIndexOf(',', this.#at));
      if (next === undefined) this.#fail(`The text ends within the object that begins in line ${this.#lineOf(opened)}`);
      if (next !== '"') this.#fail('Expected a key in double quotes');
      const key = this.#string();
      this.#skip();
      if (!this.#take(':')) this.#fail(`Expected : after the key ${key}`);
      members.push([key, this.#value(depth + 1)]);
      this.#skip();
      if (this.#take('}')) return { kind: 'record', members };
      if (!this.#take(',')) this.#missing('}', opened);
    }
  }

  /** @param {number} depth @returns {List} */
  #list(depth) {
    const opened = this.#at++;
    /** @type {Node[]} */
    const items = [];
    this.#skip();
    if (this.#take(']')) return { kind: 'list', items };
    for (;;) {
      this.#skip();
      if (this.#text[this.#at] === ']')
        this.#fail('A comma before ] is not allowed', this.#text.lastIndexOf(',', this.#at));
      items.push(this.#value(depth + 1));
      this.#skip();
      if (this.#take(']')) return { kind: 'list', items };
      if (!this.#take(',')) this.#missing(']', opened);
    }
  }

  /** @returns {string} with its quotes */
  #string() {
    const found = this.#match(string);
    if (found !== null) return found;
    const begun = this.#at;
    for (let at = begun + 1; at < this.#text.length; at++) {
      const character = this.#text[at] ?? '';
      if (character < ' ') return this.#fail('A string cannot span lines; write \\n for a line break', at);
      if (character !== '\\') continue;
      if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(this.#text.slice(at, at + 6)))
        return this.#fail('Unknown escape; write \\\\ for a backslash', at);
      at++;
    }
    return this.#fail('The string has no closing quote', begun);
  }

  /** @param {string} close @param {number} opened @returns {never} */
  #missing(close, opened) {
    if (this.#at >= this.#text.length)
      this.#fail(`The text ends before the ${close} of what begins in line ${this.#lineOf(opened)}`);
    return this.#fail(`Expected , or ${close}`);
  }

  /** @param {string} character */
  #take(character) {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** @param {RegExp} pattern sticky @returns {string | null} */
  #match(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #skip() {
    this.#match(space);
  }

  /** @param {number} offset */
  #lineOf(offset) {
    return placeOf(this.#text, offset).line;
  }

  /** @param {string} message @param {number} [offset] @returns {never} */
  #fail(message, offset = this.#at) {
    throw new SyntaxProblem(message, offset);
  }
}

/** @param {string} text @param {number} offset */
function placeOf(text, offset) {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: [...(before.at(-1) ?? '')].length + 1 };
}

/** The first thing that makes a text no JSON; null where it is. @param {string} text @returns {Problem | null} */
export function problemOf(text) {
  try {
    new Reader(text).document();
    return null;
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    return { message: error.message, offset: error.offset, ...placeOf(text, error.offset) };
  }
}

/**
 * The text set out over lines, piece by piece; as it is where it is no JSON.
 *
 * @param {string} text @param {string} [key] of the record: only what it has under this key
 * @returns {readonly Piece[]}
 */
export function pieces(text, key) {
  if (problemOf(text) !== null) return [mark(text)];
  const node = new Reader(text).document();
  const part =
    node.kind === 'record' && key !== undefined
      ? node.members.find(([name]) => name === JSON.stringify(key))?.[1]
      : undefined;
  return layOut(part ?? node, '');
}

/** @param {string} text @param {string} [key] */
export function pretty(text, key) {
  return pieces(text, key)
    .map((piece) => piece.text)
    .join('');
}

/** @param {Node} node @param {string} indent @returns {Piece[]} */
function layOut(node, indent) {
  const line = inline(node);
  if (line !== null && line.reduce((width, { text }) => width + text.length, indent.length) <= lineWidth) return line;
  const deeper = `${indent}  `;
  if (node.kind === 'list') {
    return around(
      '[',
      ']',
      indent,
      node.items.map((item) => [mark(deeper), ...layOut(item, deeper)]),
    );
  }
  if (node.kind === 'record') {
    return around(
      '{',
      '}',
      indent,
      node.members.map(([key, value]) => [
        mark(deeper),
        { kind: 'key', text: key },
        mark(': '),
        ...layOut(value, deeper),
      ]),
    );
  }
  return [node];
}

/** @param {string} open @param {string} close @param {string} indent @param {Piece[][]} rows @returns {Piece[]} */
function around(open, close, indent, rows) {
  return [
    mark(`${open}\n`),
    ...rows.flatMap((row, index) => [...row, mark(index < rows.length - 1 ? ',\n' : '\n')]),
    mark(indent + close),
  ];
}

/** On one line: scalars, and what holds nothing but scalars. @param {Node} node @returns {Piece[] | null} */
function inline(node) {
  if (node.kind === 'list') {
    if (node.items.some(({ kind }) => kind === 'list' || kind === 'record')) return null;
    return [
      mark('['),
      ...node.items.flatMap((item, index) => [...(index > 0 ? [mark(', ')] : []), ...(inline(item) ?? [])]),
      mark(']'),
    ];
  }
  if (node.kind === 'record') return node.members.length === 0 ? [mark('{}')] : null;
  return [node];
}

/** @param {string} text @returns {Piece} */
function mark(text) {
  return { kind: 'mark', text };
}
