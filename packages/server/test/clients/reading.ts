import { isDeepStrictEqual } from 'node:util';
import { isState } from '@ojs-ts/core/job';

/** The members that a client reads and their kinds. A kind ends with `[]` for a list, `{}` for a map, `?` if it may be missing. */
export type Shape = Readonly<Record<string, string>>;
/** Captured values by name. */
export type Names = Map<string, unknown>;
export interface Shapes {
  readonly named: ReadonlyMap<string, Shape>;
  /** As in Go, null and what is missing are read as the zero value of their kind. */
  readonly zero: boolean;
}

interface Kind {
  readonly zero: unknown;
  readonly is: (value: unknown) => boolean;
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const isText = (value: unknown) => typeof value === 'string';
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

const kinds: Readonly<Record<string, Kind>> = {
  text: { zero: '', is: isText },
  state: { zero: '', is: isState },
  time: { zero: '', is: (value) => typeof value === 'string' && rfc3339.test(value) },
  number: { zero: 0, is: (value) => typeof value === 'number' },
  whole: { zero: 0, is: Number.isSafeInteger },
  flag: { zero: false, is: (value) => typeof value === 'boolean' },
  dict: { zero: {}, is: isObject },
  list: { zero: [], is: Array.isArray },
  json: { zero: undefined, is: () => true },
};

/** What a client has of a value that it reads as this kind. Other members are skipped. */
export function read(kind: string, value: unknown, at: string, shapes: Shapes): unknown {
  const missing = value === undefined || value === null;
  const [, base = '', suffix = ''] = /^(\w+(?:\[\]|\{\})?)(\??)$/.exec(kind) ?? [];
  if (suffix === '?') return missing ? null : read(base, value, at, shapes);
  const wrong = () => new Error(`${at}: expected ${kind}, got ${JSON.stringify(value)}`);
  if (kind.endsWith('[]')) {
    if (missing && shapes.zero) return [];
    if (!Array.isArray(value)) throw wrong();
    return value.map((item, index) => read(kind.slice(0, -2), item, `${at}[${index}]`, shapes));
  }
  const shape = shapes.named.get(kind);
  if (kind.endsWith('{}') || shape !== undefined) {
    if (!isObject(value) && !(missing && shapes.zero)) throw wrong();
    const members = Object.entries(shape ?? Object(value));
    return Object.fromEntries(
      members.map(([name, of]) => [
        name,
        read(shape === undefined ? kind.slice(0, -2) : String(of), memberOf(value, [name]), `${at}.${name}`, shapes),
      ]),
    );
  }
  if (missing && shapes.zero) return kinds[kind]?.zero;
  if (kinds[kind]?.is(value) !== true || (missing && kind === 'json')) throw wrong();
  return value;
}

/** The value at a path, undefined if there is none. */
export function memberOf(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (isObject(at) ? Object(at)[name] : undefined), value);
}

/**
 * Throws unless a value has everything that a pattern names. In a pattern `"$id"` captures a value, or is the value that
 * was captured; `"$text"` is any text, and so on; `"!id"` is another value; `"/x/"` is a regular expression.
 * A list has as many items, or begins with `"in any order"` or with `"among others"`.
 */
export function matched(pattern: unknown, value: unknown, at: string, names: Names): void {
  const wrong = () => new Error(`${at}: expected ${JSON.stringify(pattern)}, got ${JSON.stringify(value)}`);
  if (typeof pattern === 'string') {
    if (!isLike(pattern, value, names)) throw wrong();
  } else if (Array.isArray(pattern)) {
    if (!Array.isArray(value)) throw wrong();
    const [how] = pattern;
    const isLoose = how === 'in any order' || how === 'among others';
    const wanted = isLoose ? pattern.slice(1) : pattern;
    if (how === 'among others' ? wanted.length > value.length : wanted.length !== value.length) throw wrong();
    const left = [...value];
    for (const [index, one] of wanted.entries()) {
      const found = isLoose ? left.findIndex((item) => fits(one, item, names)) : 0;
      if (found === -1) throw wrong();
      matched(one, left.splice(found, 1)[0], `${at}[${index}]`, names);
    }
  } else if (isObject(pattern)) {
    if (!isObject(value)) throw wrong();
    for (const [name, one] of Object.entries(Object(pattern)))
      matched(one, memberOf(value, [name]), `${at}.${name}`, names);
  } else if (!Object.is(pattern, value)) throw wrong();
}

function fits(pattern: unknown, value: unknown, names: Names): boolean {
  try {
    matched(pattern, value, '$', new Map(names));
    return true;
  } catch {
    return false;
  }
}

function isLike(pattern: string, value: unknown, names: Names): boolean {
  if (/^\/.+\/$/.test(pattern)) return typeof value === 'string' && new RegExp(pattern.slice(1, -1)).test(value);
  const [, mark = '', name = '', path = ''] = /^([$!])(\w+)((?:\.\w+)*)$/.exec(pattern) ?? [];
  if (mark === '') return pattern === value;
  if (name === 'absent') return value === undefined;
  const kind = kinds[name];
  if (mark === '$' && kind !== undefined) return value !== undefined && kind.is(value);
  const known = names.has(name);
  const same = known && isDeepStrictEqual(memberOf(names.get(name), path.split('.').slice(1)), value);
  if (mark === '!') return known && !same;
  if (known || value === undefined) return same;
  names.set(name, value);
  return true;
}
