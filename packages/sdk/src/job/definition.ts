import type { NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import type { JsonArray } from '../json.ts';
import { known } from '../options/known.ts';
import { expectedType, isJobType } from '../options/names.ts';
import { type JobOptions, jobNames, withDefaults } from './options.ts';
import { parseNow, parseWith, type SchemaInput, type SchemaOutput, type StandardSchemaV1 } from './standard-schema.ts';

/** What survives JSON. A Date, a bigint, a function do not: `never`. Bounds no interface, as a recursive type of JSON values would. */
export type Jsonable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends bigint | symbol | Date | ((...args: never[]) => unknown)
    ? never
    : T extends object
      ? { [K in keyof T]: Jsonable<T[K]> }
      : T;

/** A job type with the types of its args and result: one value that producer and worker share. */
export interface JobDef<
  T extends string = string,
  A extends JsonArray = JsonArray,
  AIn extends JsonArray = A,
  R = unknown,
> {
  readonly type: T;
  /** For every enqueue of this type, below what the call itself says. */
  readonly defaults?: JobOptions | undefined;
  readonly schemas?: JobSchemas | undefined;
  readonly '~args'?: A;
  readonly '~input'?: AIn;
  readonly '~result'?: R;
}

export interface JobSchemas {
  /** Of the whole array. */
  readonly args?: StandardSchemaV1 | undefined;
  /** Of the only element. */
  readonly payload?: StandardSchemaV1 | undefined;
  readonly result?: StandardSchemaV1 | undefined;
}

const schemaNames: NamesOf<JobSchemas> = { args: true, payload: true, result: true };
const definitionNames = { ...jobNames, ...schemaNames };

/** The args of a definition, as its handler gets them. */
export type ArgsOf<D> = D extends JobDef<string, infer A, JsonArray, unknown> ? A : never;
/** The args of a definition, as they are given to `enqueue`. */
export type InputOf<D> = D extends JobDef<string, JsonArray, infer I, unknown> ? I : never;
/** The result of a definition's handler. */
export type ResultOf<D> = D extends JobDef<string, JsonArray, JsonArray, infer R> ? R : never;

/** Names of job types, for code that addresses them by name. Yours are added by `declare module '@ojs-ts/sdk' { interface JobTypes { … } }`. */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled by declaration merging
export interface JobTypes {}

/** Any name where the registry is empty, else one of its names. */
export type NameIn<R> = [Extract<keyof R, string>] extends [never] ? string : Extract<keyof R, string>;
export type ArgsIn<R, T> = T extends keyof R
  ? R[T] extends { args: infer A extends JsonArray }
    ? A
    : JsonArray
  : JsonArray;
export type ResultIn<R, T> = T extends keyof R ? (R[T] extends { result: infer X } ? X : unknown) : unknown;

/**
 * A typed job. With plain types (`defineJob<'email.send', [to: string], { id: string }>('email.send')`) nothing is checked at run time; with
 * `args` (a schema of the whole array) or `payload` (of the only element) the args are checked before they are sent and again before the handler
 * sees them, which then gets what the schema made of them. With `result` the handler's answer is checked too.
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
  known(options, definitionNames);
  const { args, payload, result, ...defaults } = options;
  if (args !== undefined && payload !== undefined)
    throw OJSValidationError.of('payload', 'give args or payload, not both');
  const schemas = { ...(args && { args }), ...(payload && { payload }), ...(result && { result }) };
  return { type, defaults, ...(Object.keys(schemas).length > 0 && { schemas }) };
}

/** A request for a batch or a workflow. `args` are checked when it is sent. @throws {OJSValidationError} for an unknown option. */
export function job<D extends JobDef>(
  definition: D,
  args: Jsonable<InputOf<D>>,
  options?: JobOptions,
): JobRequest<ArgsOf<D>, ResultOf<D>>;
export function job(definition: JobDef, args: JsonArray, options: JobOptions = {}): JobRequest {
  known(options, jobNames);
  return { ...withDefaults(definition.defaults, options), type: definition.type, args, [definitionOf]: definition };
}

/** What the definition's schema makes of the args; the args themselves where it has none. @throws {OJSValidationError} */
export async function parseArgs(definition: JobDef, args: JsonArray): Promise<JsonArray> {
  const part = schemaPart(definition, args);
  return part === null ? args : part.whole(await parseWith(part.schema, part.value, part.at));
}

/** Same without waiting. @throws {OJSValidationError} also for a schema that needs to wait. */
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

/** What of the args the definition's schema is for; null where it has none. */
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
  throw OJSValidationError.of('args', 'expected the schema to make an array of them');
}

/** Where a request made by `job()` keeps what checks it. A symbol, so that it never reaches the wire. */
export const definitionOf: unique symbol = Symbol.for('@ojs-ts/sdk.definition');

/** A job to be sent. `R`, the type of its result, is the word of whoever made it; see {@link job}. */
export interface JobRequest<A extends JsonArray = JsonArray, R = unknown> extends JobOptions {
  type: string;
  args: A;
  /** What checks the args; {@link job} puts it here. */
  readonly [definitionOf]?: JobDef | undefined;
  readonly '~r'?: R;
}

export const requestNames: NamesOf<JobRequest> = { ...jobNames, type: true, args: true };
