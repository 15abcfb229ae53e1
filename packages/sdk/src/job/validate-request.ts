import { isKnown, isUuidv7 } from '@ojs-ts/core';
import { OJSValidationError, type ValidationProblem } from '../errors.ts';
import { quoted } from '../json.ts';
import { shown, strangeProblem } from '../options/known.ts';
import { expectedQueue, expectedType, isJobType, isQueueName } from '../options/names.ts';
import { type JobRequest, requestNames } from './definition.ts';

/** In either direction. */
const maxPriority = 100;

interface Rule {
  readonly name: 'type' | 'args' | 'meta' | 'id' | 'queue' | 'priority';
  readonly holds: (value: unknown) => boolean;
  readonly expected: (value: unknown) => string;
}

/** What holds of every request that is sent. */
const rules: readonly Rule[] = [
  { name: 'type', holds: isJobType, expected: expectedType },
  { name: 'args', holds: (args) => Array.isArray(args) && isJson(args), expected: expectedArgs },
  {
    name: 'meta',
    holds: (meta) => meta === undefined || isJson(meta),
    expected: (meta) => `expected an object of JSON values, got ${shown(meta)}`,
  },
  {
    name: 'id',
    holds: (id) => id === undefined || isUuidv7(id),
    expected: (id) => `expected a UUIDv7 in lower case, got ${JSON.stringify(id)}`,
  },
  { name: 'queue', holds: (queue) => queue === undefined || isQueueName(queue), expected: expectedQueue },
  {
    name: 'priority',
    holds: (priority) =>
      priority === undefined || (Number.isInteger(priority) && Math.abs(Number(priority)) <= maxPriority),
    expected: (priority) => `expected a whole number from ${-maxPriority} to ${maxPriority}, got ${quoted(priority)}`,
  },
];

function expectedArgs(args: unknown): string {
  const isObject = typeof args === 'object' && args !== null;
  return `expected an array, got ${shown(args)}. ${isObject ? 'Wrap it in a list: [{ … }]' : 'Write [value] where there is one argument'}`;
}

/** Why the request cannot be sent, as far as its rules go; null for no reason. */
export function problemOf(request: JobRequest): ValidationProblem | null {
  const strange = isKnown(request, requestNames) ? null : strangeProblem(request, requestNames);
  if (strange !== null) return strange;
  const broken = rules.find(({ name, holds }) => !holds(request[name]));
  if (broken === undefined) return null;
  const { name, expected } = broken;
  const value = request[name];
  // Where it is a list or an object, something in it is to blame.
  const isInside = (name === 'args' && Array.isArray(value)) || name === 'meta';
  return (isInside ? jsonProblem(value, name) : null) ?? { path: name, message: expected(value) };
}

/** The first place in the value that JSON would lose or change in silence; null where there is none. */
export function jsonProblem(value: unknown, path: string, above: readonly object[] = []): ValidationProblem | null {
  if (isJson(value, [...above])) return null;
  if (typeof value !== 'object' || value === null) return { path, message: lossOf(value) };
  if (above.includes(value)) return { path, message: `the value contains itself; ${smaller}` };
  if (above.length >= maxDepth) return { path, message: `nested deeper than ${maxDepth} levels; ${smaller}` };
  const isList = Array.isArray(value);
  for (const [key, item] of isList ? value.entries() : Object.entries(value)) {
    if (item === undefined && !isList) continue;
    const problem = jsonProblem(item, isList ? `${path}[${key}]` : `${path}.${key}`, [...above, value]);
    if (problem !== null) return problem;
  }
  return { path, message: lossOf(value) };
}

/** @throws {OJSValidationError} where there is a problem. */
export function refuse(problem: ValidationProblem | null): void {
  if (problem !== null) throw OJSValidationError.of(problem.path, problem.message);
}

/** The same error, of the request at `index` of a batch. */
export function atIndex(index: number, error: unknown): unknown {
  if (!(error instanceof OJSValidationError)) return error;
  const issues = error.issues.map(({ path, message }) => ({ path: `[${index}].${path}`, message }));
  return new OJSValidationError(`[${index}].${error.message}`, { cause: error, issues });
}

/** The way out where a value is too much to send. */
const smaller = 'send an id, or a copy of what is needed of it';

/** What JSON would lose of the value. */
export function lossOf(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value)
        ? `${value} is beyond ±(2^53 − 1); send it as a string`
        : `${value} is no JSON number`;
    case 'bigint':
      return 'bigint is no JSON value; send it as a string';
    case 'object':
      if (value instanceof Date) return 'a Date is no JSON value; send date.toISOString()';
      if (value instanceof Map) return 'a Map is no JSON value; send Object.fromEntries(map)';
      if (value instanceof Set) return 'a Set is no JSON value; send [...set]';
      if (value instanceof Promise) return 'a Promise is no JSON value; await it';
      return `${value?.constructor.name} is no JSON value; send an id, or Array.from(bytes) where it is short`;
    case 'function':
      return 'function is no JSON value; send data in its place';
    default:
      return `${typeof value} is no JSON value`;
  }
}

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
