import { isJobType, type NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import type { JsonArray } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { expectedType } from '../options/values.ts';
import { type JobOptions, jobNames, withDefaults } from './options.ts';
import { parseNow, parseWith, type SchemaInput, type SchemaOutput, type StandardSchemaV1 } from './standard-schema.ts';

/**
 * Types that JSON keeps; a Date, a bigint and a function become `never`. Unlike a recursive type of JSON values, it
 * accepts interfaces.
 */
export type Jsonable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends bigint | symbol | Date | ((...args: never[]) => unknown)
    ? never
    : T extends object
      ? { [K in keyof T]: Jsonable<T[K]> }
      : T;

/** A job type with the types of its args and result. Producer and worker share this value. */
export interface JobDef<
  T extends string = string,
  A extends JsonArray = JsonArray,
  AIn extends JsonArray = A,
  R = unknown,
> {
  readonly type: T;
  /** Options of every job of this type. The options of a call win over them. */
  readonly defaults?: JobOptions | undefined;
  readonly schemas?: JobSchemas | undefined;
  readonly '~args'?: A;
  readonly '~input'?: AIn;
  readonly '~result'?: R;
}

export interface JobSchemas {
  /** Schema of the array of args. */
  readonly args?: StandardSchemaV1 | undefined;
  /** Schema of the only arg. */
  readonly payload?: StandardSchemaV1 | undefined;
  readonly result?: StandardSchemaV1 | undefined;
}

const schemaNames: NamesOf<JobSchemas> = { args: true, payload: true, result: true };
const definitionNames = { ...jobNames, ...schemaNames };

/** The args of a definition, as its handler gets them. */
export type ArgsOf<D> = D extends JobDef<string, infer A, JsonArray, unknown> ? A : never;
/** The args of a definition, as `enqueue` takes them. */
export type InputOf<D> = D extends JobDef<string, JsonArray, infer I, unknown> ? I : never;
/** The result of a definition's handler. */
export type ResultOf<D> = D extends JobDef<string, JsonArray, JsonArray, infer R> ? R : never;

/**
 * Registry of job types for calls by name. Add yours with `declare module '@ojs-ts/sdk' { interface JobTypes { … } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled by declaration merging
export interface JobTypes {}

/** A name of the registry; any name if the registry is empty. */
export type NameIn<R> = [Extract<keyof R, string>] extends [never] ? string : Extract<keyof R, string>;
export type ArgsIn<R, T> = T extends keyof R
  ? R[T] extends { args: infer A extends JsonArray }
    ? A
    : JsonArray
  : JsonArray;
export type ResultIn<R, T> = T extends keyof R ? (R[T] extends { result: infer X } ? X : unknown) : unknown;

/**
 * Defines a typed job. Plain types (`defineJob<'email.send', [to: string], { id: string }>('email.send')`) are not
 * checked at run time. With a schema in `args` (of the array) or `payload` (of the only arg), the client checks the
 * args before it sends them. The worker checks them again, and the handler gets the output of the schema. With `result`
 * the worker also checks the result of the handler.
 * @throws {OJSValidationError} for a malformed type, an unknown option, or both `args` and `payload`.
 */
export function defineJob<T extends string, A extends JsonArray = JsonArray, R = unknown>(
  type: T,
  defaults?: JobOptions,
): JobDef<T, A, A, R>;
export function defineJob<
  T extends string,
  S extends StandardSchemaV1<JsonArray, JsonArray>,
  RS extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
>(
  type: T,
  options: JobOptions & { args: S; result?: RS | undefined },
): JobDef<T, SchemaOutput<S>, SchemaInput<S>, SchemaOutput<RS>>;
export function defineJob<
  T extends string,
  S extends StandardSchemaV1,
  RS extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
>(
  type: T,
  options: JobOptions & { payload: S; result?: RS | undefined },
): JobDef<T, [SchemaOutput<S>], [SchemaInput<S>], SchemaOutput<RS>>;
export function defineJob(type: string, options: JobOptions & JobSchemas = {}): JobDef {
  if (!isJobType(type)) throw OJSValidationError.of('type', expectedType(type));
  checkNames(options, definitionNames);
  const { args, payload, result, ...defaults } = options;
  if (args !== undefined && payload !== undefined)
    throw OJSValidationError.of('payload', 'give args or payload, not both');
  const schemas = { ...(args && { args }), ...(payload && { payload }), ...(result && { result }) };
  return { type, defaults, ...(Object.keys(schemas).length > 0 && { schemas }) };
}

/**
 * A request for a batch or a workflow. The client checks `args` when it sends the request. @throws {OJSValidationError}
 * for an unknown option.
 */
export function job<D extends JobDef>(
  definition: D,
  args: Jsonable<InputOf<D>>,
  options?: JobOptions,
): JobRequest<ArgsOf<D>, ResultOf<D>>;
export function job(definition: JobDef, args: JsonArray, options: JobOptions = {}): JobRequest {
  checkNames(options, jobNames);
  return { ...withDefaults(definition.defaults, options), type: definition.type, args, [definitionOf]: definition };
}

/** The output of the definition's schema for the args; without a schema the args. @throws {OJSValidationError} */
export async function parseArgs(definition: JobDef, args: JsonArray): Promise<JsonArray> {
  const part = schemaPart(definition, args);
  return part === null ? args : part.whole(await parseWith(part.schema, part.value, part.at));
}

/** Same, synchronously. @throws {OJSValidationError} also for an asynchronous schema. */
export function parseArgsNow(definition: JobDef, args: JsonArray): JsonArray {
  const part = schemaPart(definition, args);
  return part === null ? args : part.whole(parseNow(part.schema, part.value, part.at));
}

interface SchemaPart {
  readonly schema: StandardSchemaV1;
  readonly value: unknown;
  readonly at: string;
  /** The args that hold the parsed value. */
  whole(parsed: unknown): JsonArray;
}

/** The part of the args that the schema checks; null without a schema. */
function schemaPart({ schemas }: JobDef, args: JsonArray): SchemaPart | null {
  const { args: whole, payload } = schemas ?? {};
  if (payload !== undefined) {
    if (args.length !== 1) throw OJSValidationError.of('args', `expected one element, the payload, got ${args.length}`);
    return { schema: payload, value: args[0], at: 'args[0]', whole: (parsed) => [parsed] };
  }
  return whole === undefined ? null : { schema: whole, value: args, at: 'args', whole: arrayOf };
}

function arrayOf(parsed: unknown): JsonArray {
  if (Array.isArray(parsed)) return parsed;
  throw OJSValidationError.of(
    'args',
    'expected the output of the schema to be an array. Wrap the schema in a tuple, such as z.tuple([…])',
  );
}

/** The key of the definition in a request of `job()`. JSON leaves symbols out. */
export const definitionOf: unique symbol = Symbol.for('@ojs-ts/sdk.definition');

/** A request to enqueue a job. TypeScript trusts `R`, the type of its result; see {@link job}. */
export interface JobRequest<A extends JsonArray = JsonArray, R = unknown> extends JobOptions {
  type: string;
  args: A;
  /** The definition, set by {@link job}. */
  readonly [definitionOf]?: JobDef | undefined;
  readonly '~r'?: R;
}

export const requestNames: NamesOf<JobRequest> = { ...jobNames, type: true, args: true };
