import type { ValidationProblem } from './errors.ts';

/** Far beyond the 32 levels that a server must take (json-format §13.4), far below what would overflow the stack. */
const maxDepth = 256;
/** From here on JSON.stringify writes an exponent, so that the number reads as a float. */
const exponentFrom = 1e21;

/**
 * The first place in `args` that JSON would lose or change in silence, or null. An undefined property counts as left out, as in JSON.stringify;
 * an undefined array element would become null and is refused.
 */
export function firstProblem(args: readonly unknown[]): ValidationProblem | null {
  return inArray(args, 'args', []);
}

function inArray(items: readonly unknown[], path: string, above: object[]): ValidationProblem | null {
  const loop = enter(items, path, above);
  if (loop !== null) return loop;
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

function inObject(value: object, path: string, above: object[]): ValidationProblem | null {
  const loop = enter(value, path, above);
  if (loop !== null) return loop;
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

function inValue(value: unknown, path: string, above: object[]): ValidationProblem | null {
  switch (typeof value) {
    case 'number':
      return inNumber(value, path);
    case 'string':
    case 'boolean':
      return null;
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return inArray(value, path, above);
      return inKnownObject(value, path) ?? inObject(value, path, above);
    default:
      return { path, message: `${typeof value} is no JSON value${typeof value === 'bigint' ? '; send it as a string' : ''}` };
  }
}

function inNumber(value: number, path: string): ValidationProblem | null {
  if (!Number.isFinite(value)) return { path, message: `${value} is no JSON number` };
  // ojs-json-format §4.2: a larger integer must be a string, because readers lose its last digits.
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < exponentFrom) {
    return { path, message: `${value} is beyond ±(2^53 − 1); send it as a string` };
  }
  return null;
}

function inKnownObject(value: object, path: string): ValidationProblem | null {
  if (value instanceof Date) return { path, message: 'a Date is no JSON value; send date.toISOString()' };
  if (
    value instanceof Map ||
    value instanceof Set ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Promise
  ) {
    return { path, message: `${value.constructor.name} is no JSON value` };
  }
  return null;
}

function enter(value: object, path: string, above: object[]): ValidationProblem | null {
  if (above.includes(value)) return { path, message: 'the value contains itself' };
  if (above.length >= maxDepth) return { path, message: `nested deeper than ${maxDepth} levels` };
  above.push(value);
  return null;
}
