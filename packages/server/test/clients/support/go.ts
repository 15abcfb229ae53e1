/**
 * Go's encoding/json as far as it matters here: null leaves the zero value, a value of another type is an error, names
 * match in any case, unknown names are skipped.
 */
export type Decode<T> = (value: unknown, at: string) => T;

export const string: Decode<string> = (value, at) => scalar(value, at, '', (one) => typeof one === 'string');
export const bool: Decode<boolean> = (value, at) => scalar(value, at, false, (one) => typeof one === 'boolean');
export const float: Decode<number> = (value, at) => scalar(value, at, 0, (one) => typeof one === 'number');
export const int: Decode<number> = (value, at) => scalar(value, at, 0, (one) => Number.isSafeInteger(one));
/** `any` of Go, for what users own: args, meta, results. */
export const json: Decode<unknown> = (value) => value;

/** time.Time: RFC 3339 with an offset. */
export const time: Decode<string> = (value, at) =>
  scalar(
    value,
    at,
    '',
    (one) => typeof one === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(one),
  );

export function list<T>(of: Decode<T>): Decode<readonly T[]> {
  return (value, at) => {
    if (isNull(value)) return [];
    if (!Array.isArray(value)) throw mismatch(value, at);
    return value.map((item, index) => of(item, `${at}[${index}]`));
  };
}

export function map<T>(of: Decode<T>): Decode<Readonly<Record<string, T>>> {
  return (value, at) => {
    if (isNull(value)) return {};
    return Object.fromEntries(
      Object.entries(objectAt(value, at)).map(([name, item]) => [name, of(item, `${at}.${name}`)]),
    );
  };
}

export function struct<T extends Readonly<Record<string, unknown>>>(
  fields: { readonly [K in keyof T]: Decode<T[K]> },
): Decode<T> {
  return (value, at) => {
    const given = Object.entries(isNull(value) ? {} : objectAt(value, at));
    const find = (name: string) =>
      (given.find(([one]) => one === name) ?? given.find(([one]) => one.toLowerCase() === name.toLowerCase()))?.[1];
    return mapped(fields, (name, decode) => decode(find(name), `${at}.${name}`));
  };
}

/** json.Unmarshal */
export function unmarshal<T>(json: string, into: Decode<T>): T {
  return into(JSON.parse(json), '$');
}

/** A struct field by field. */
export function mapped<T extends Readonly<Record<string, unknown>>>(
  fields: { readonly [K in keyof T]: Decode<T[K]> },
  read: <V>(name: string, decode: Decode<V>) => V,
): T {
  const entries: Partial<T> = {};
  for (const name in fields) entries[name] = read(name, fields[name]);
  if (!isComplete(entries, fields)) throw new Error('A struct was decoded in part.');
  return entries;
}

function isComplete<T extends object>(part: Partial<T>, fields: { readonly [K in keyof T]: unknown }): part is T {
  return Object.keys(fields).every((name) => Object.hasOwn(part, name));
}

function scalar<T>(value: unknown, at: string, zero: T, is: (value: unknown) => boolean): T {
  if (isNull(value)) return zero;
  if (is(value) && isLike(value, zero)) return value;
  throw mismatch(value, at);
}

function isLike<T>(value: unknown, like: T): value is T {
  return typeof value === typeof like;
}

function objectAt(value: unknown, at: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw mismatch(value, at);
}

function isNull(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function mismatch(value: unknown, at: string): Error {
  const kind = Array.isArray(value) ? 'array' : typeof value;
  return new TypeError(`json: cannot unmarshal ${kind} into Go value at ${at}`);
}
