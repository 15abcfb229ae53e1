import type { JobDef } from './definition.ts';
import { OJSValidationError } from './errors.ts';
import type { JsonArray } from './job.ts';
import { parseNow, parseWith, type StandardSchemaV1 } from './standard-schema.ts';

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
