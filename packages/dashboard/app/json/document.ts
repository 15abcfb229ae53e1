/** A JSON value as written: order and repetition of keys, and each number digit by digit. */
export type Node =
  | { readonly kind: 'string' | 'number' | 'word'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'object'; readonly members: readonly Member[] };

export interface Member {
  readonly key: string;
  readonly value: Node;
}

const token = /[ \t\r\n]*(?:([[\]{},:])|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null))/y;

/** Reads text that is known to be JSON: an answer of the server. @throws SyntaxError for other text. */
export function readDocument(text: string): Node {
  const reader = new Reader(text);
  return reader.value();
}

/** The member of an object by its name. */
export function memberOf(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'object' ? node.members.find((member) => member.key === key)?.value : undefined;
}

/** The text of a node on one line. */
export function textOf(node: Node): string {
  if (node.kind === 'list') return `[${node.items.map(textOf).join(',')}]`;
  if (node.kind === 'object')
    return `{${node.members.map(({ key, value }) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`;
  return node.text;
}

/** The first characters of `textOf`, without reading the rest of a large value; without the last bracket. */
export function beginningOf(node: Node, length: number): string {
  if ('text' in node) return cut(node.text, length);
  const entries: readonly (Node | Member)[] = node.kind === 'list' ? node.items : node.members;
  let text = node.kind === 'list' ? '[' : '{';
  for (const [index, entry] of entries.entries()) {
    if (text.length > length) break;
    if (index > 0) text += ',';
    const value = 'key' in entry ? entry.value : entry;
    if ('key' in entry) text += `${JSON.stringify(entry.key)}:`;
    text += beginningOf(value, length);
    if (text.length <= length && value.kind === 'list') text += ']';
    if (text.length <= length && value.kind === 'object') text += '}';
  }
  return cut(text, length);
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** The text of a node on many lines, two blanks a level. */
export function prettyOf(node: Node, indent = ''): string {
  const deeper = `${indent}  `;
  if (node.kind === 'list') {
    if (node.items.length === 0) return '[]';
    return `[\n${node.items.map((item) => deeper + prettyOf(item, deeper)).join(',\n')}\n${indent}]`;
  }
  if (node.kind === 'object') {
    if (node.members.length === 0) return '{}';
    const lines = node.members.map(({ key, value }) => `${deeper}${JSON.stringify(key)}: ${prettyOf(value, deeper)}`);
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  return node.text;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): Node {
    const [, mark, string, number, word] = this.#next();
    if (string !== undefined) return { kind: 'string', text: string };
    if (number !== undefined) return { kind: 'number', text: number };
    if (word !== undefined) return { kind: 'word', text: word };
    if (mark === '[') return this.#list();
    if (mark === '{') return this.#object();
    throw this.#wrong();
  }

  #list(): Node {
    const items: Node[] = [];
    if (this.#peek() === ']') return this.#end({ kind: 'list', items });
    for (;;) {
      items.push(this.value());
      const [, mark] = this.#next();
      if (mark === ']') return { kind: 'list', items };
      if (mark !== ',') throw this.#wrong();
    }
  }

  #object(): Node {
    const members: Member[] = [];
    if (this.#peek() === '}') return this.#end({ kind: 'object', members });
    for (;;) {
      const [, , key] = this.#next();
      if (key === undefined || this.#next()[1] !== ':') throw this.#wrong();
      members.push({ key: JSON.parse(key), value: this.value() });
      const [, mark] = this.#next();
      if (mark === '}') return { kind: 'object', members };
      if (mark !== ',') throw this.#wrong();
    }
  }

  #end(node: Node): Node {
    this.#next();
    return node;
  }

  #peek(): string | undefined {
    const at = this.#at;
    const [, mark] = this.#next();
    this.#at = at;
    return mark;
  }

  #next(): RegExpExecArray {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    if (found === null) throw this.#wrong();
    this.#at = token.lastIndex;
    return found;
  }

  #wrong(): SyntaxError {
    return new SyntaxError(`no JSON at character ${this.#at}`);
  }
}
