import type { Shape } from '../envelope/unknown-members.ts';
import { isObject } from '../json/json.ts';

/**
 * The members that a document of this schema may have; null for a schema without names, such as that of user data. A
 * list is data too, because its own reader looks into its items. Only a member that may be an object or a list of such
 * objects has the names of the object.
 */
export function shapeIn(schema: object): Shape | null {
  const { properties, patternProperties, anyOf }: Readonly<Record<string, unknown>> = { ...schema };
  if (Array.isArray(anyOf)) return anyOf.map(shapeOrNull).find((shape) => shape !== null) ?? null;
  if (!isObject(properties)) return null;
  return {
    members: new Map(Object.entries(properties).map(([name, member]) => [name, shapeOrNull(member)])),
    open: patternProperties !== undefined,
  };
}

function shapeOrNull(schema: unknown): Shape | null {
  return isObject(schema) ? shapeIn(schema) : null;
}
