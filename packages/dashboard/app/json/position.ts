/** A place in a text; line and column from 1. */
export interface Position {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

const token = /[ \t\r\n]*([[\]{},:]|"(?:[^"\\]|\\.)*"|[^\s[\]{},:"]+)/y;
const step = /\.([^.[\]]+)|\[(\d+)\]/g;

/**
 * Finds where the value at a path such as `$.jobs[0].type` begins in JSON text. If a part of the path is missing, finds
 * the object that lacks it. Null for a text that is no JSON.
 */
export function positionOf(text: string, path: string): Position | null {
  const reader = new Reader(text);
  let offset = reader.peek();
  if (offset === null) return null;
  for (const [, key, index] of path.matchAll(step)) {
    const found = index === undefined ? reader.member(key ?? '') : reader.item(Number(index));
    if (found === null) break;
    offset = found;
  }
  return placeOf(text, offset);
}

function placeOf(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split('\n');
  return { offset, line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 };
}

/** Reads from before a value into it. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns the start of the next token. */
  peek(): number | null {
    const at = this.#at;
    const next = this.#next();
    const begins = this.#at - (next?.length ?? 0);
    this.#at = at;
    return next === null ? null : begins;
  }

  /** Goes to a member of the object that is next; null without it. */
  member(name: string): number | null {
    if (this.#next() !== '{') return null;
    for (let key = this.#next(); key?.startsWith('"'); key = this.#next()) {
      this.#next();
      if (key === JSON.stringify(name)) return this.peek();
      this.#skip();
      if (this.#next() !== ',') return null;
    }
    return null;
  }

  /** Goes to an item of the list that is next; null without it. */
  item(index: number): number | null {
    if (this.#next() !== '[') return null;
    for (let at = 0; at < index; at++) {
      this.#skip();
      if (this.#next() !== ',') return null;
    }
    return this.peek();
  }

  #skip(): void {
    let depth = 0;
    do {
      const next = this.#next();
      if (next === null) return;
      if (next === '{' || next === '[') depth++;
      if (next === '}' || next === ']') depth--;
    } while (depth > 0);
  }

  #next(): string | null {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    if (found === null) return null;
    this.#at = token.lastIndex;
    return found[1] ?? null;
  }
}
