import { mapped } from './go.ts';

/**
 * How Python and JavaScript clients read an answer: a member by its name, of the type that the client declares. Others
 * are skipped.
 */
export type Reader<T> = (value: unknown, at: string) => T;
export type Dict = Readonly<Record<string, unknown>>;

/** What users own: args, meta values, results. */
export const json: Reader<unknown> = (value) => value;

export function text(value: unknown, at = '$'): string {
  if (typeof value === 'string') return value;
  throw mismatch('a string', value, at);
}

export function number(value: unknown, at: string): number {
  if (typeof value === 'number') return value;
  throw mismatch('a number', value, at);
}

export function whole(value: unknown, at: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw mismatch('a whole number', value, at);
}

export function flag(value: unknown, at: string): boolean {
  if (typeof value === 'boolean') return value;
  throw mismatch('a boolean', value, at);
}

/** A time in RFC 3339. */
export function time(value: unknown, at: string): string {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value))
    return value;
  throw mismatch('a time', value, at);
}

/** A JSON object, or an error as a client would have it. */
export function dict(value: unknown, at = '$'): Dict {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw mismatch('an object', value, at);
}

export function array(value: unknown, at = '$'): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw mismatch('an array', value, at);
}

export function listOf<T>(of: Reader<T>): Reader<readonly T[]> {
  return (value, at) => array(value, at).map((item, index) => of(item, `${at}[${index}]`));
}

export function mapOf<T>(of: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, at) =>
    Object.fromEntries(Object.entries(dict(value, at)).map(([name, item]) => [name, of(item, `${at}.${name}`)]));
}

/** Null where it is missing. */
export function optional<T>(of: Reader<T>): Reader<T | null> {
  return (value, at) => (value === undefined || value === null ? null : of(value, at));
}

/** What is not optional the client can not do without. */
export function record<T extends Dict>(fields: { readonly [K in keyof T]: Reader<T[K]> }): Reader<T> {
  return (value, at) => {
    const from = dict(value, at);
    return mapped(fields, (name, read) => read(from[name], `${at}.${name}`));
  };
}

/** What the client can not do without. */
export function required(from: Dict, name: string): unknown {
  if (!Object.hasOwn(from, name)) throw new Error(`KeyError: '${name}'`);
  return from[name];
}

function mismatch(expected: string, value: unknown, at: string): Error {
  if (value === undefined) return new Error(`KeyError: '${at.slice(at.lastIndexOf('.') + 1)}' is missing: ${at}`);
  return new TypeError(`${at}: expected ${expected}, got ${JSON.stringify(value)}`);
}
