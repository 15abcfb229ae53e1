import type { Flaw } from './flaw.ts';

/** Far beyond the 32 levels that a server must take (json-format §13.4), far below what would overflow the stack. */
export const maxDepth = 256;
/** From here on JSON.stringify writes an exponent, so that the number reads as a float. */
const exponentFrom = 1e21;

/**
 * The first place in the value that JSON would lose or change in silence, or null. An undefined property counts as left out, as in JSON.stringify;
 * an undefined array element would become null and is refused.
 */
export function firstFlaw(value: unknown, path: string): Flaw | null {
  return inValue(value, path, []);
}

function inArray(items: readonly unknown[], path: string, above: object[]): Flaw | null {
  const flaw = enter(items, path, above);
  if (flaw !== null) return flaw;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    // Building a path costs more than the check, so plain values, which are nearly all, go without one.
    if (isPlain(item)) continue;
    const problem = inValue(item, `${path}[${index}]`, above);
    if (problem !== null) return problem;
  }
  above.pop();
  return null;
}

function inObject(value: object, path: string, above: object[]): Flaw | null {
  const flaw = enter(value, path, above);
  if (flaw !== null) return flaw;
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined || isPlain(field)) continue;
    const problem = inValue(field, `${path}.${key}`, above);
    if (problem !== null) return problem;
  }
  above.pop();
  return null;
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || value === null;
}

function inValue(value: unknown, path: string, above: object[]): Flaw | null {
  if (isPlain(value) || (typeof value === 'number' && isKept(value))) return null;
  if (typeof value !== 'object' || value === null || isLost(value)) return { path, rule: 'json', value };
  return Array.isArray(value) ? inArray(value, path, above) : inObject(value, path, above);
}

/** ojs-json-format §4.2: a larger integer must be a string, because readers lose its last digits. */
function isKept(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) || Math.abs(value) >= exponentFrom : Number.isFinite(value);
}

/** Objects that JSON would write as a text or without what they hold. */
function isLost(value: object): boolean {
  return [Date, Map, Set, ArrayBuffer, Promise].some((kind) => value instanceof kind) || ArrayBuffer.isView(value);
}

function enter(value: object, path: string, above: object[]): Flaw | null {
  if (above.includes(value)) return { path, rule: 'loop', value };
  if (above.length >= maxDepth) return { path, rule: 'depth', value };
  above.push(value);
  return null;
}
