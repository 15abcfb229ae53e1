import type { Millis } from '../time/clock.ts';

/**
 * Builds JSON Schema together with its TypeScript type, under the names of TypeBox. TypeBox itself loads 700 modules in
 * 200 ms and 22 MB, and a server reads these schemas on its first call with a body.
 */

/**
 * A schema of values of the type `T`. `Optional` says that a member may be absent. Both exist for the compiler only.
 */
export interface TSchema<T = unknown, Optional extends boolean = boolean> {
  readonly '~type'?: (value: never) => T;
  readonly '~optional'?: Optional;
}

export type TProperties = Readonly<Record<string, TSchema>>;
export type Static<Schema extends TSchema> = Schema extends TSchema<infer T> ? T : never;
export type TOptional<Schema extends TSchema> = TSchema<Static<Schema>, true>;

type Written<T> = TSchema<T, false>;
type OptionalIn<Properties extends TProperties> = {
  [Name in keyof Properties]: Properties[Name] extends TSchema<unknown, true> ? Name : never;
}[keyof Properties];
type ObjectOf<Properties extends TProperties> = {
  [Name in Exclude<keyof Properties, OptionalIn<Properties>>]: Static<Properties[Name]>;
} & { [Name in OptionalIn<Properties>]?: Static<Properties[Name]> };
type Flat<T> = { [Name in keyof T]: T[Name] };

export interface TObject<Properties extends TProperties = TProperties> extends Written<Flat<ObjectOf<Properties>>> {
  readonly type: 'object';
  readonly required?: readonly string[];
  readonly properties: Properties;
}

/** Other keywords of the schema: `description`, `minimum`, `format`. */
type Keywords = Readonly<Record<string, unknown>>;
type Plain = string | number | boolean;

/** The part of a schema that JSON Schema cannot describe. No document has it. */
export const reads = Symbol('reads');

export interface Reads<T = unknown> {
  /** Null for a wrong value; undefined for one that counts as absent. */
  readonly read: (given: unknown, now: Millis) => T | null | undefined;
  /** The message about a wrong value. */
  readonly message: string | ((given: unknown) => string);
}

const optionals = new WeakSet<TSchema>();

function Optional<Schema extends TSchema>(schema: Schema): TOptional<Schema> {
  const own = { ...schema };
  optionals.add(own);
  return own as TOptional<Schema>;
}

function ObjectType<const Properties extends TProperties>(
  properties: Properties,
  keywords: Keywords = {},
): TObject<Properties> {
  const required = Object.keys(properties).filter((name) => !optionals.has(properties[name] ?? {}));
  return { ...keywords, type: 'object', ...(required.length > 0 && { required }), properties };
}

function written<T>(schema: object): Written<T> {
  return schema;
}

export const Type = {
  Unsafe: written,
  /** A value that is read as another one: a duration as its milliseconds. */
  Read: <T>(keywords: Keywords, message: Reads['message'], read: Reads<T>['read']) =>
    written<T>({ ...keywords, [reads]: { message, read } }),
  String: (keywords?: Keywords) => written<string>({ ...keywords, type: 'string' }),
  Number: (keywords?: Keywords) => written<number>({ ...keywords, type: 'number' }),
  Integer: (keywords?: Keywords) => written<number>({ ...keywords, type: 'integer' }),
  Boolean: (keywords?: Keywords) => written<boolean>({ ...keywords, type: 'boolean' }),
  Null: () => written<null>({ type: 'null' }),
  Unknown: (keywords?: Keywords) => written<unknown>({ ...keywords }),
  Literal: <const T extends Plain>(value: T, keywords?: Keywords) => written<T>({ ...keywords, const: value }),
  Enum: <const T extends Plain>(values: readonly T[], keywords?: Keywords) => written<T>({ ...keywords, enum: values }),
  Array: <Item extends TSchema>(items: Item, keywords?: Keywords) =>
    written<Static<Item>[]>({ ...keywords, type: 'array', items }),
  /** An object whose members have any names. */
  Record: <Value extends TSchema>(values: Value, keywords?: Keywords) =>
    written<Record<string, Static<Value>>>({ ...keywords, type: 'object', additionalProperties: values }),
  Union: <Schemas extends readonly TSchema[]>(anyOf: readonly [...Schemas], keywords?: Keywords) =>
    written<Static<Schemas[number]>>({ ...keywords, anyOf }),
  Object: ObjectType,
  Optional,
};
