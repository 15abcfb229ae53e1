/** Far beyond the 32 levels that a server must take (json-format §13.4), far below what would overflow the stack. */
export const maxDepth = 256;
/** From here on JSON.stringify writes an exponent, so that the number reads as a float. */
const exponentFrom = 1e21;
/** JSON would write them as a text, or without what they hold. */
const lost = [Date, Map, Set, ArrayBuffer, Promise];

/**
 * Whether JSON keeps the value as it is. An undefined property counts as left out, as in JSON.stringify; an undefined array element would become null and is refused.
 * @param above what the value stands in; grows where the answer is no.
 */
export function isJson(value: unknown, above: object[] = []): boolean {
  if (typeof value === 'number') return isKept(value);
  if (typeof value !== 'object' || value === null)
    return value === null || typeof value === 'string' || typeof value === 'boolean';
  if (ArrayBuffer.isView(value) || lost.some((kind) => value instanceof kind)) return false;
  if (above.includes(value) || above.length >= maxDepth) return false;
  above.push(value);
  const isList = Array.isArray(value);
  for (const item of isList ? value : Object.values(value)) {
    if (!(isJson(item, above) || (item === undefined && !isList))) return false;
  }
  above.pop();
  return true;
}

/** ojs-json-format §4.2: a larger integer must be a string, because readers lose its last digits. */
function isKept(value: number): boolean {
  return Number.isInteger(value)
    ? Number.isSafeInteger(value) || Math.abs(value) >= exponentFrom
    : Number.isFinite(value);
}
