import { ProtocolError } from '../errors.ts';
import type { Json } from '../job/job.ts';
import { findSyntaxError } from './document.ts';

/**
 * How deep arrays and objects may nest in a document; the outermost counts as 1. The specification recommends 32
 * (ojs-json-format §13.5). Twice that leaves arguments their 32 levels inside any envelope or batch, and keeps every
 * recursive reader far from the end of its stack.
 */
export const maxDepth = 64;

/*
 * Characters are read by index, not with charCodeAt. Once any class of the process extends String, as in some clients
 * of Redis, V8 looks up each method of a string on every call: charCodeAt then takes 7.3 ns and an index 1.1 ns.
 */

/** True for a JSON object, false for an array, a scalar and null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Parses a JSON document.
 * @param where names the document in messages, such as `The request body`.
 * @param depth the most levels allowed.
 * @throws ProtocolError `invalid_payload` for anything but one JSON document. The message has the position, never the
 * content.
 */
export function readJson(text: string, where: string, depth: number = maxDepth): unknown {
  if (text.charCodeAt(0) === 0xfeff) {
    throw new ProtocolError(
      'invalid_payload',
      `${where} begins with a byte order mark at position 0; expected JSON in UTF-8 without one.`,
    );
  }
  const deep = positionBelow(text, depth);
  if (deep !== -1) {
    throw new ProtocolError('invalid_payload', `${where} nests deeper than ${depth} levels at position ${deep}.`, {
      position: deep,
    });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const problem = findSyntaxError(text);
    if (problem === null) throw error;
    const { position, expected } = problem;
    throw new ProtocolError(
      'invalid_payload',
      `${where} is not valid JSON at position ${position}: expected ${expected}.`,
      {
        position,
      },
    );
  }
}

/** Position of the first bracket that opens a level below `depth`, or -1. Also works on invalid JSON. */
function positionBelow(text: string, depth: number): number {
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (one === '"') at = stringEnd(text, at) - 1;
    else if (one === '[' || one === '{') {
      if (++level > depth) return at;
    } else if (one === ']' || one === '}') level--;
  }
  return -1;
}

/**
 * The first characters of a string are read one by one: most names are shorter, and a call of indexOf costs as much as
 * about ten characters.
 */
const near = 12;

/** Position after the string that starts at `at`. */
export function stringEnd(text: string, at: number): number {
  const until = Math.min(text.length, at + near);
  let end = at + 1;
  for (; end < until; end++) {
    const one = text[end];
    if (one === '"') return end + 1;
    if (one === '\\') end++;
  }
  for (end = text.indexOf('"', end); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (end - slashes - 1 > at && text[end - slashes - 1] === '\\') slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}

/** Position after the value that starts at `at`. */
export function valueEnd(text: string, at: number): number {
  if (text[at] === '"') return stringEnd(text, at);
  let level = 0;
  for (let end = at; end < text.length; end++) {
    const one = text[end];
    if (one === '"') end = stringEnd(text, end) - 1;
    else if (one === '[' || one === '{') level++;
    else if (one === ']' || one === '}') {
      if (level === 0) return end;
      if (--level === 0) return end + 1;
    } else if (level === 0 && (one === ',' || isSpace(one))) return end;
  }
  return text.length;
}

/** Position of the first character at or after `at` that is no white space. */
export function skipSpace(text: string, at: number): number {
  while (isSpace(text[at])) at++;
  return at;
}

function isSpace(one: string | undefined): boolean {
  return one === ' ' || one === '\n' || one === '\r' || one === '\t';
}

/**
 * The raw texts of an object's own members by decoded name, in order; of duplicates the last one wins. `text` must be a
 * valid JSON object.
 */
export function members(text: Json): ReadonlyMap<string, Json> {
  const found = new Map<string, Json>();
  readMembers(text, skipSpace(text, 0), found);
  return found;
}

/** Reads the object at `start`; the position after it. */
function readMembers(text: string, start: number, found: Map<string, Json>): number {
  let at = start + 1;
  for (;;) {
    at = skipSpace(text, at);
    // Anything but a quote is the closing brace, or an invalid argument of the caller.
    if (text[at] !== '"') return at + 1;
    const keyEnd = stringEnd(text, at);
    const key = text.slice(at + 1, keyEnd - 1);
    at = skipSpace(text, keyEnd);
    if (text[at] !== ':') return at + 1;
    at = skipSpace(text, at + 1);
    const end = valueEnd(text, at);
    found.set(key.includes('\\') ? JSON.parse(`"${key}"`) : key, text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] !== ',') return at + 1;
    at++;
  }
}

/**
 * The name of the first member of the object `text` that is an array of at least `most` elements; null where none is.
 * Reads no further than that, so it is cheap before the text is parsed, and any text will do.
 */
export function longList(text: string, names: readonly string[], most: number): string | null {
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[at] === '"') {
    const keyEnd = stringEnd(text, at);
    const name = names.find((one) => one.length === keyEnd - at - 2 && text.startsWith(one, at + 1));
    let end = skipSpace(text, skipSpace(text, keyEnd) + 1);
    if (name === undefined || text[end] !== '[') end = valueEnd(text, end);
    else {
      let count = 0;
      do {
        end = skipSpace(text, valueEnd(text, skipSpace(text, end + 1)));
        count++;
        if (count === most) return name;
      } while (text[end] === ',');
      end++;
    }
    at = skipSpace(text, skipSpace(text, end) + 1);
  }
  return null;
}

/** The raw texts of an array's elements. `text` must be a valid JSON array. */
export function elements(text: Json): readonly Json[] {
  const found: Json[] = [];
  readElements(text, skipSpace(text, 0), (at) => {
    const end = valueEnd(text, at);
    found.push(text.slice(at, end));
    return end;
  });
  return found;
}

/** Reads the array at `start`, each element with `read`, which says where it ends; the position after the array. */
function readElements(text: string, start: number, read: (at: number) => number): number {
  let at = skipSpace(text, start + 1);
  if (text[at] === ']') return at + 1;
  while (at < text.length) {
    at = skipSpace(text, read(at));
    if (text[at] !== ',') return at + 1;
    at = skipSpace(text, at + 1);
  }
  return at;
}

/** An element of an array, with the raw texts of its own members where it is an object. */
export interface Element {
  readonly text: Json;
  readonly members: ReadonlyMap<string, Json> | null;
}

/** An object's members, and the elements of the one that is its list. */
export interface ListObject {
  readonly members: ReadonlyMap<string, Json>;
  /** None where the member is no array. */
  readonly elements: readonly Element[];
}

/**
 * The members of an object and the elements of its member `list`, with theirs, in one pass over the text. If a name is
 * repeated, the last value wins. `text` must be a valid JSON object.
 */
export function readListObject(text: Json, list: string): ListObject {
  const members = new Map<string, Json>();
  let elements: Element[] = [];
  const read = (start: number): number => {
    const members = text[start] === '{' ? new Map<string, Json>() : null;
    const end = members === null ? valueEnd(text, start) : readMembers(text, start, members);
    elements.push({ text: text.slice(start, end), members });
    return end;
  };
  readEach(text, skipSpace(text, 0), (name, at) => {
    if (name === list) elements = [];
    const end = name === list && text[at] === '[' ? readElements(text, at, read) : valueEnd(text, at);
    members.set(name, text.slice(at, end));
    return end;
  });
  return { members, elements };
}

/** Reads the object at `start`, each value with `read`, which says where it ends; the position after the object. */
function readEach(text: string, start: number, read: (name: string, at: number) => number): number {
  let at = skipSpace(text, start + 1);
  while (text[at] === '"') {
    const keyEnd = stringEnd(text, at);
    const key = text.slice(at + 1, keyEnd - 1);
    const value = skipSpace(text, skipSpace(text, keyEnd) + 1);
    at = skipSpace(text, read(key.includes('\\') ? JSON.parse(`"${key}"`) : key, value));
    if (text[at] !== ',') break;
    at = skipSpace(text, at + 1);
  }
  return at + 1;
}

/**
 * The raw text of the value at a path of names and positions; undefined where there is none. If a name is repeated, the
 * last value wins. Reads the text once, however long the path is. `text` must be valid JSON.
 */
export function valueAt(text: Json, path: readonly (string | number)[]): Json | undefined {
  let found: Json | undefined;
  const read = (start: number, depth: number): number => {
    found = undefined;
    const step = path[depth];
    if (typeof step === 'string' && text[start] === '{')
      return readEach(text, start, (name, at) => (name === step ? read(at, depth + 1) : valueEnd(text, at)));
    if (typeof step === 'number' && text[start] === '[') {
      let index = 0;
      return readElements(text, start, (at) => (index++ === step ? read(at, depth + 1) : valueEnd(text, at)));
    }
    const end = valueEnd(text, start);
    if (step === undefined) found = text.slice(start, end);
    return end;
  };
  read(skipSpace(text, 0), 0);
  return found;
}

interface Branch {
  readonly next: Map<string | number, Branch>;
  /** Places of the paths that end here. */
  readonly ends: number[];
}

/** Returns the result of {@link valueAt} for each of the paths, in one pass over the text. */
export function valuesAt(text: Json, paths: readonly (readonly (string | number)[])[]): readonly (Json | undefined)[] {
  const root: Branch = { next: new Map(), ends: [] };
  for (const [place, path] of paths.entries()) {
    let branch = root;
    for (const step of path) {
      const next = branch.next.get(step) ?? { next: new Map(), ends: [] };
      branch.next.set(step, next);
      branch = next;
    }
    branch.ends.push(place);
  }
  const found: (Json | undefined)[] = paths.map(() => undefined);
  const forget = ({ next, ends }: Branch): void => {
    for (const place of ends) found[place] = undefined;
    next.forEach(forget);
  };
  const read = (start: number, branch: Branch): number => {
    // A name that comes again takes the place of the first one, with all that was found in it.
    forget(branch);
    const { next, ends } = branch;
    const go = (step: string | number, at: number) => {
      const into = next.get(step);
      return into === undefined ? valueEnd(text, at) : read(at, into);
    };
    let index = 0;
    const end =
      next.size > 0 && text[start] === '{'
        ? readEach(text, start, go)
        : next.size > 0 && text[start] === '['
          ? readElements(text, start, (at) => go(index++, at))
          : valueEnd(text, start);
    for (const place of ends) found[place] = text.slice(start, end);
    return end;
  };
  read(skipSpace(text, 0), root);
  return found;
}

/** The text of an object with these members. */
export function objectText(entries: Iterable<readonly [string, Json]>): Json {
  let text = '';
  for (const [key, value] of entries) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${value}`;
  return `{${text}}`;
}

/** Bytes of the text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    // A surrogate pair is two units and four bytes: each half adds one.
    bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
