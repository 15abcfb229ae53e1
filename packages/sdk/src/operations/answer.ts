import { isObject } from '@ojs-ts/core';
// Only types: a bundle of this package never loads the schemas.
import type { Answers } from '@ojs-ts/core/schemas';
import { OJSAnswerError } from '../errors.ts';
import { dateOf } from '../json.ts';

/** Members whose values stay as the server sent them: JSON of applications, and maps whose names are data. */
const data = {
  args: true,
  by_error_type: true,
  by_queue: true,
  changes: true,
  counts: true,
  data: true,
  detail: true,
  filter: true,
  meta: true,
  schema: true,
  skipped: true,
  state: true,
  value: true,
} as const;

/** Members that are times, besides those that end in `_at`. */
const times = { estimated_end: true, previous_until: true, since: true, timestamp: true, until: true } as const;

export type CamelName<Name extends PropertyKey> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelName<Tail>>}`
  : Name;
type Time = `${string}_at` | keyof typeof times;
type Member<Name extends PropertyKey, T> = Name extends keyof typeof data
  ? T
  : Name extends Time
    ? Date
    : Camel<Exclude<T, null>>;
type Flat<T> = { [Name in keyof T]: T[Name] };
/** `Always` if the member has a value in every answer, `Sometimes` if the server may send null in its place. */
type Always<Name extends PropertyKey, T> = Name extends 'warnings'
  ? never
  : Name extends keyof typeof data
    ? CamelName<Name>
    : null extends T
      ? never
      : CamelName<Name>;
type Sometimes<Name extends PropertyKey, T> = Name extends 'warnings' | keyof typeof data
  ? never
  : null extends T
    ? CamelName<Name>
    : never;

/**
 * An answer as this package returns it: names in camel case, times as Dates, and null members left out. A member that
 * its schema gets is here too.
 */
export type Camel<T> = T extends readonly (infer Item)[]
  ? readonly Camel<Item>[]
  : T extends object
    ? Flat<
        { readonly [Name in keyof T as Always<Name, T[Name]>]: Member<Name, T[Name]> } & {
          readonly [Name in keyof T as Sometimes<Name, T[Name]>]?: Member<Name, T[Name]>;
        }
      >
    : T;

/** An item of a list in the answer to an operation. */
export type ItemOf<
  Operation extends keyof Answers,
  List extends keyof Answers[Operation],
> = Answers[Operation][List] extends readonly (infer Item)[] ? Item : never;

/**
 * Reads an answer, or an object in one, by its names alone: the caller vouches that it is of this type.
 * @param needed members without which it is something else.
 * @throws {OJSAnswerError}
 */
export function camel<T>(raw: unknown, ...needed: readonly (keyof T & string)[]): Camel<T>;
export function camel(raw: unknown, ...needed: readonly string[]): object {
  const body = isObject(raw) ? raw : {};
  const missing = needed.find((name) => body[name] === undefined || body[name] === null);
  if (missing !== undefined) throw new OJSAnswerError(`The answer lacks ${missing}.`);
  return objectOf(body);
}

function objectOf(raw: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const read: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(raw)) {
    const isData = Object.hasOwn(data, name);
    const value = isData ? member : name.endsWith('_at') || Object.hasOwn(times, name) ? dateOf(member) : anyOf(member);
    if (value !== undefined && (isData || value !== null)) read[camelName(name)] = value;
  }
  return read;
}

function anyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(anyOf);
  return isObject(value) ? objectOf(value) : value;
}

export function camelName(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
