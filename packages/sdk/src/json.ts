import { isObject } from '@ojs-ts/core';
/** A JSON object whose fields are not checked yet. */
export type Wire = Readonly<Record<string, unknown>>;

/** A value in a message; a text is in quotes, so that '30' differs from 30. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
    ? `a value of type ${typeof value}`
    : String(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function booleanOf(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

export function textsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
}

export function wireOf(value: unknown): Record<string, unknown> | undefined {
  return isObject(value) ? value : undefined;
}

export function dateOf(value: unknown): Date | undefined {
  if (typeof value !== 'string') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without its undefined fields: an optional field of ours is absent, never undefined. */
export function compact<T extends object>(value: T): Compact<T>;
export function compact(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Applies `read` to the items of a list and keeps its results. */
export function eachOf<T>(value: unknown, read: (item: unknown) => T | undefined): T[] {
  return listOf(value)
    .map(read)
    .filter((item) => item !== undefined);
}

/** Reads an object, and nothing else. */
export function objectOf<T>(read: (raw: Wire) => T): (value: unknown) => T | undefined {
  return (value) => (isObject(value) ? read(value) : undefined);
}

/** Reads one of the words, and nothing else. */
export function oneOf<T extends string>(...words: readonly T[]): (value: unknown) => T | undefined {
  return (value) => words.find((word) => word === value);
}

/**
 * Reads the fields of a wire object, whose names are those given here in snake case. A field that is not there, or not
 * of its kind, is absent.
 */
export function reader<F>(fields: { readonly [K in keyof F]: (value: unknown) => F[K] }): (raw: Wire) => Compact<F>;
export function reader(fields: Readonly<Record<string, (value: unknown) => unknown>>): (raw: Wire) => object {
  const named = Object.entries(fields).map(
    ([name, read]) => [name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), read] as const,
  );
  return (raw) => {
    const found: Record<string, unknown> = {};
    for (const [name, wireName, read] of named) {
      const value = read(raw[wireName]);
      if (value !== undefined) found[name] = value;
    }
    return found;
  };
}

/** The object that the text holds; undefined for anything else. */
export function parseWire(text: string): Wire | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Args: an array of JSON values. */
export type JsonArray = readonly unknown[];

/** Free fields of a job. */
export type Meta = Record<string, unknown>;
