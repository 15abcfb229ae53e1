import '../require-node.ts';

/** A JSON value as written: order and repetition of keys, and each number digit by digit. `at` is its start. */
export type JsonNode =
  | { readonly kind: 'string' | 'number' | 'word'; readonly at: number; readonly text: string }
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly at: number; readonly members: readonly JsonMember[] };

export interface JsonMember {
  readonly key: string;
  readonly value: JsonNode;
}

/** The place where a text stops being JSON, and what was expected there. */
export interface SyntaxProblem {
  readonly position: number;
  readonly expected: string;
  /** The start of the string, key or container that lacks something. */
  readonly from: number;
}

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const literal = /true|false|null/y;
const space = /[ \t\n\r]*/y;
// Plain characters or one escape: no two alternatives begin alike, so the pattern never backtracks.
const plain = /[ !#-[\]-\uffff]*/y;
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Reports whether the text is one number as JSON writes it. */
export function isNumber(text: string): boolean {
  number.lastIndex = 0;
  return number.test(text) && number.lastIndex === text.length;
}

/**
 * Reads JSON text into nodes that keep every literal. The recursion is as deep as the text.
 * @param depth the most levels around a value.
 * @throws SyntaxError for a text that is not one JSON value.
 */
export function readDocument(text: string, depth: number = Number.POSITIVE_INFINITY): JsonNode {
  return new Reader(text, depth).document();
}

/**
 * Finds the first error in a text; null if it is JSON. The message of `JSON.parse` is of no use: it quotes the content,
 * and often has no position.
 * @param depth as for {@link readDocument}.
 */
export function findSyntaxError(text: string, depth?: number): SyntaxProblem | null {
  try {
    readDocument(text, depth);
    return null;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.problem;
    throw error;
  }
}

class JsonSyntaxError extends SyntaxError {
  readonly problem: SyntaxProblem;

  constructor(problem: SyntaxProblem) {
    super(`expected ${problem.expected} at position ${problem.position}`);
    this.problem = problem;
  }
}

class Reader {
  readonly #text: string;
  readonly #depth: number;
  #at = 0;

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  document(): JsonNode {
    const node = this.#value(0);
    this.#skip(space);
    if (this.#at < this.#text.length) throw this.#lacks('the end of the text');
    return node;
  }

  #value(depth: number): JsonNode {
    this.#skip(space);
    const at = this.#at;
    if (depth > this.#depth) throw this.#lacks(`at most ${this.#depth} levels`);
    const first = this.#text[at];
    if (first === '"') return { kind: 'string', at, text: this.#string() };
    if (first === '{') {
      const members: JsonMember[] = [];
      this.#entries('}', () => members.push(this.#member(depth + 1)));
      return { kind: 'object', at, members };
    }
    if (first === '[') {
      const items: JsonNode[] = [];
      this.#entries(']', () => items.push(this.#value(depth + 1)));
      return { kind: 'list', at, items };
    }
    if (this.#skip(literal)) return { kind: 'word', at, text: this.#text.slice(at, this.#at) };
    if (this.#skip(number)) return { kind: 'number', at, text: this.#text.slice(at, this.#at) };
    throw this.#lacks('a JSON value');
  }

  #member(depth: number): JsonMember {
    this.#skip(space);
    const from = this.#at;
    const raw = this.#string();
    if (!this.#take(':')) throw this.#lacks('":"', from);
    return { key: raw.includes('\\') ? JSON.parse(raw) : raw.slice(1, -1), value: this.#value(depth) };
  }

  #entries(close: '}' | ']', read: () => void): void {
    const from = this.#at++;
    if (this.#take(close)) return;
    for (;;) {
      read();
      if (this.#take(close)) return;
      if (!this.#take(',')) throw this.#lacks(`"," or "${close}"`, from);
    }
  }

  /** Reads a string with its quotes and escapes. */
  #string(): string {
    const from = this.#at;
    if (!this.#take('"')) throw this.#lacks('a string in double quotes');
    for (;;) {
      this.#skip(plain);
      const next = this.#text[this.#at];
      if (next === undefined) throw this.#lacks('the closing quote of a string', from);
      if (next === '"') return this.#text.slice(from, ++this.#at);
      if (next !== '\\') throw this.#lacks('a control character to be escaped', from);
      if (!this.#skip(escaped)) throw this.#lacks('a valid escape sequence', from);
    }
  }

  #take(mark: string): boolean {
    this.#skip(space);
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const isThere = pattern.test(this.#text);
    if (isThere) this.#at = pattern.lastIndex;
    return isThere;
  }

  #lacks(expected: string, from: number = this.#at): JsonSyntaxError {
    return new JsonSyntaxError({ position: this.#at, expected, from });
  }
}
