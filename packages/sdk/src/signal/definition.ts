import { stepLimits } from '@ojs-ts/core/durable';
import { OJSValidationError } from '../errors.ts';
import type { SchemaInput, SchemaOutput, StandardSchemaV1 } from '../job/standard-schema.ts';
import { quoted } from '../json.ts';

/** A signal with the type of its payload. The sender and the handler that waits share this value. */
export interface SignalDef<T = unknown, I = T> {
  readonly name: string;
  readonly schema?: StandardSchemaV1<unknown, T> | undefined;
  readonly '~payload'?: T;
  readonly '~input'?: I;
}

/** The payload of a signal, as `client.signal()` takes it. */
export type PayloadOf<D> = D extends SignalDef<unknown, infer I> ? I : never;

/**
 * Defines a typed signal. A plain type (`defineSignal<{ approved: boolean }>('approval')`) is not checked at run time.
 * With a schema, the sender checks the payload before it is sent; `ctx.wait()` checks it again, and resolves to the
 * output of the schema.
 * @throws {OJSValidationError} for a name that is empty or has more than 128 characters.
 */
export function defineSignal<T = unknown>(name: string): SignalDef<T>;
export function defineSignal<S extends StandardSchemaV1>(
  name: string,
  schema: S,
): SignalDef<SchemaOutput<S>, SchemaInput<S>>;
export function defineSignal(name: string, schema?: StandardSchemaV1): SignalDef {
  checkSignalName(name);
  return { name, ...(schema !== undefined && { schema }) };
}

/** @throws {OJSValidationError} */
export function checkSignalName(name: unknown): asserts name is string {
  checkText(name, 'signal', stepLimits.name);
}

/** @throws {OJSValidationError} */
export function checkToken(token: unknown): asserts token is string {
  checkText(token, 'token', stepLimits.token);
}

function checkText(text: unknown, path: string, max: number): asserts text is string {
  if (typeof text === 'string' && text.length > 0 && text.length <= max) return;
  const got = typeof text === 'string' ? `${text.length} characters` : quoted(text);
  throw OJSValidationError.of(path, `expected a text of 1 to ${max} characters, got ${got}`);
}

/** The definition of a signal that a call names by its definition or its name. @throws {OJSValidationError} */
export function signalOf<T>(signal: SignalDef<T> | string): SignalDef<T> {
  const definition = typeof signal === 'string' ? { name: signal } : signal;
  checkSignalName(definition?.name);
  return definition;
}
