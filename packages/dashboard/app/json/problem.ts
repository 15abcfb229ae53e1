/** The place where a text stops being JSON; lines and columns from 1. */
export interface Problem {
  readonly message: string;
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

const space = /[ \t\r\n]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const string = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const word = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
/** The server takes 64. */
const maxDepth = 500;

/** Null for text that is JSON. */
export function problemOf(text: string): Problem | null {
  try {
    new Reader(text).document();
    return null;
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    const { message, offset } = error;
    const lines = text.slice(0, offset).split('\n');
    return { message, offset, line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 };
  }
}

class Wrong extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value(0);
    if (this.#next() !== undefined) throw this.#wrong('There is more text after the end of the value');
  }

  #value(depth: number): void {
    const next = this.#next();
    if (depth > maxDepth) throw this.#wrong(`More than ${maxDepth} levels of nesting`);
    if (next === undefined) throw this.#wrong('The text ends where a value was expected');
    if (next === '{') this.#entries('}', () => this.#member(depth));
    else if (next === '[') this.#entries(']', () => this.#value(depth + 1));
    else if (next === '"') this.#string();
    else if (next === "'") throw this.#wrong('Strings are in double quotes');
    else if (',]}:'.includes(next)) throw this.#wrong(`Expected a value before ${next}`);
    else this.#literal(next);
  }

  #member(depth: number): void {
    if (this.#next() !== '"') throw this.#wrong('Expected a key in double quotes');
    const key = this.#string();
    if (this.#next() !== ':') throw this.#wrong(`Expected : after the key ${key}`);
    this.#at++;
    this.#value(depth + 1);
  }

  #entries(close: ']' | '}', entry: () => void): void {
    const opened = this.#at++;
    if (this.#take(close)) return;
    for (;;) {
      entry();
      if (this.#take(close)) return;
      const comma = this.#at;
      if (!this.#take(',')) throw this.#unclosed(close, opened);
      if (this.#next() === close) throw this.#wrong(`A comma before ${close} is not allowed`, comma);
    }
  }

  #unclosed(close: string, opened: number): Wrong {
    if (this.#next() !== undefined) return this.#wrong(`Expected , or ${close}`);
    const line = this.#text.slice(0, opened).split('\n').length;
    return this.#wrong(`The text ends before the ${close} of what begins in line ${line}`);
  }

  #literal(next: string): void {
    const from = this.#at;
    if (this.#match(number) !== null) {
      if (/[\d.eE]/.test(this.#text[this.#at] ?? '')) throw this.#wrong('Not a valid JSON number', from);
      return;
    }
    const found = this.#match(word);
    if (found === 'true' || found === 'false' || found === 'null') return;
    if (found === null) throw this.#wrong(`Expected a value, not ${next}`);
    throw this.#wrong(`${found} is no value; strings are in double quotes`, from);
  }

  #string(): string {
    const found = this.#match(string);
    if (found !== null) return found;
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const character = this.#text[at] ?? '';
      if (character < ' ') throw this.#wrong('A string cannot span lines; write \\n for a line break', at);
      if (character !== '\\') continue;
      if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(this.#text.slice(at, at + 6)))
        throw this.#wrong('Unknown escape; write \\\\ for a backslash', at);
      at++;
    }
    throw this.#wrong('The string has no closing quote');
  }

  #next(): string | undefined {
    this.#match(space);
    return this.#text[this.#at];
  }

  #take(mark: string): boolean {
    if (this.#next() !== mark) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #wrong(message: string, offset: number = this.#at): Wrong {
    return new Wrong(message, offset);
  }
}
