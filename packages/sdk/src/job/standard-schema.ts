import { OJSValidationError, type ValidationProblem } from '../errors.ts';

/**
 * The interface that zod, valibot, arktype and others implement (standardschema.dev, version 1). Copied as an
 * interface, so no validator is a dependency.
 */
export interface StandardSchemaV1<I = unknown, O = I> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<O> | Promise<SchemaResult<O>>;
    readonly types?: { readonly input: I; readonly output: O } | undefined;
  };
}

export type SchemaResult<O> =
  | { readonly value: O; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<{ readonly message: string; readonly path?: SchemaPath | undefined }> };

type SchemaPath = ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>;

export type SchemaInput<S> = S extends StandardSchemaV1<infer I, unknown> ? I : never;
export type SchemaOutput<S> = S extends StandardSchemaV1<unknown, infer O> ? O : never;

/**
 * Returns the value as the schema converts it. @throws {OJSValidationError} with every issue; `at` is the path of the
 * value, such as `args[0]`.
 */
export async function parseWith<O>(schema: StandardSchemaV1<unknown, O>, value: unknown, at: string): Promise<O> {
  return parsedOf(await schema['~standard'].validate(value), at);
}

/** Same without waiting. @throws {OJSValidationError} also for a schema that needs to wait. */
export function parseNow<O>(schema: StandardSchemaV1<unknown, O>, value: unknown, at: string): O {
  const result = schema['~standard'].validate(value);
  if (!('then' in result)) return parsedOf(result, at);
  // Its outcome no longer matters.
  result.then(undefined, () => {});
  throw OJSValidationError.of(
    at,
    'this schema checks asynchronously, which a call that blocks cannot wait for; enqueue with a Client',
  );
}

function parsedOf<O>(result: SchemaResult<O>, at: string): O {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message, path }): ValidationProblem => ({ path: at + pathText(path), message }));
  throw new OJSValidationError(issues.map(({ path, message }) => `${path}: ${message}`).join('; '), { issues });
}

function pathText(path: SchemaPath = []): string {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  return keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
}
