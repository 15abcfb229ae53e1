import { expectedPriority, isJobType, isKnown, isPriority, isQueueName, isUuidv7 } from '@ojs-ts/core';
import { OJSValidationError, type ValidationProblem } from '../errors.ts';
import { quoted } from '../json.ts';
import { describeValue, nameProblem } from '../options/check-names.ts';
import { expectedQueue, expectedType } from '../options/values.ts';
import { type JobRequest, requestNames } from './definition.ts';

interface Rule {
  readonly name: 'type' | 'args' | 'meta' | 'id' | 'queue' | 'priority';
  readonly holds: (value: unknown) => boolean;
  readonly expected: (value: unknown) => string;
}

/** The rules for every request. */
const rules: readonly Rule[] = [
  { name: 'type', holds: isJobType, expected: expectedType },
  { name: 'args', holds: (args) => Array.isArray(args) && isJson(args), expected: expectedArgs },
  {
    name: 'meta',
    holds: (meta) => meta === undefined || isJson(meta),
    expected: (meta) => `expected an object of JSON values, got ${describeValue(meta)}`,
  },
  {
    name: 'id',
    holds: (id) => id === undefined || isUuidv7(id),
    expected: (id) =>
      `expected a UUIDv7 in lower case, got ${JSON.stringify(id)}. To enqueue one job per key of your own, ` +
      "leave id out and write unique: { keys: ['type', 'meta'], metaKeys: ['key'] } with meta: { key: … }",
  },
  { name: 'queue', holds: (queue) => queue === undefined || isQueueName(queue), expected: expectedQueue },
  {
    name: 'priority',
    holds: (priority) => priority === undefined || isPriority(priority),
    expected: (priority) => `expected ${expectedPriority}, got ${quoted(priority)}`,
  },
];

function expectedArgs(args: unknown): string {
  const isObject = typeof args === 'object' && args !== null;
  return (
    `expected an array, got ${describeValue(args)}. ` +
    `${isObject ? 'Wrap it in a list: [{ … }]' : 'Write [value] where there is one argument'}`
  );
}

/** The first broken rule; null for a valid request. */
export function problemOf(request: JobRequest): ValidationProblem | null {
  const problem = isKnown(request, requestNames) ? null : nameProblem(request, requestNames);
  if (problem !== null) return problem;
  const broken = rules.find(({ name, holds }) => !holds(request[name]));
  if (broken === undefined) return null;
  const { name, expected } = broken;
  const value = request[name];
  // In an array or an object, name the wrong member.
  const isInside = (name === 'args' && Array.isArray(value)) || name === 'meta';
  return (isInside ? jsonProblem(value, name) : null) ?? { path: name, message: expected(value) };
}

/** The first place where JSON would silently lose or change the value; null if there is none. */
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

/** @throws {OJSValidationError} if there is a problem. */
export function refuse(problem: ValidationProblem | null): void {
  if (problem !== null) throw OJSValidationError.of(problem.path, problem.message);
}

/** The error of the request at `index` of a batch. */
export function atIndex(index: number, error: unknown): unknown {
  if (!(error instanceof OJSValidationError)) return error;
  const issues = error.issues.map(({ path, message }) => ({ path: `[${index}].${path}`, message }));
  return new OJSValidationError(`[${index}].${error.message}`, { cause: error, issues });
}

/** Advice for a value that is too large. */
const smaller = 'send an id, or a copy of what is needed of it';

/** Why JSON cannot keep the value. */
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

/** A server must take 32 levels (ojs-json-format §13.4). The limit avoids a stack overflow. */
export const maxDepth = 256;
/** JSON.stringify writes larger numbers with an exponent, so readers take them for floats. */
const exponentFrom = 1e21;
/** JSON.stringify writes these as a text or as an empty object. */
const lost = [Date, Map, Set, ArrayBuffer, Promise];

/**
 * Reports whether JSON keeps the value. JSON.stringify leaves undefined properties out, so they are allowed. An
 * undefined array element would become null.
 * @param above the objects around the value.
 */
export function isJson(value: unknown, above: object[] = []): boolean {
  if (typeof value === 'number') return isKept(value);
  if (typeof value !== 'object' || value === null)
    return value === null || typeof value === 'string' || typeof value === 'boolean';
  if (isLost(value)) return false;
  if (above.includes(value) || above.length >= maxDepth) return false;
  above.push(value);
  const isList = Array.isArray(value);
  for (const item of isList ? value : Object.values(value)) {
    if (!(isJson(item, above) || (item === undefined && !isList))) return false;
  }
  above.pop();
  return true;
}

function isLost(value: object): boolean {
  // Most are plain objects and arrays, which need no look at the others.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype) return false;
  return ArrayBuffer.isView(value) || lost.some((kind) => value instanceof kind);
}

/** Larger integers must be strings, because readers lose their last digits (ojs-json-format §4.2). */
function isKept(value: number): boolean {
  return Number.isInteger(value)
    ? Number.isSafeInteger(value) || Math.abs(value) >= exponentFrom
    : Number.isFinite(value);
}
