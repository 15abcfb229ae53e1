import { isJson, maxDepth } from './arguments.ts';
import { maxPriority, type Ruled, rules } from './draft.ts';
import { OJSValidationError, type ValidationProblem } from './errors.ts';
import { quoted } from './json.ts';
import { shown, strangeProblem } from './known.ts';
import { expectedQueue } from './names.ts';
import { type JobRequest, requestNames } from './options.ts';

/** What is said of a value that fails its rule. */
const words: Readonly<Record<Ruled, (value: unknown) => string>> = {
  type: expectedType,
  args: expectedArgs,
  meta: (meta) => `expected an object of JSON values, got ${shown(meta)}`,
  id: (id) => `expected a UUIDv7 in lower case, got ${JSON.stringify(id)}`,
  queue: expectedQueue,
  priority: (priority) => `expected a whole number from ${-maxPriority} to ${maxPriority}, got ${quoted(priority)}`,
};

function expectedArgs(args: unknown): string {
  const isObject = typeof args === 'object' && args !== null;
  return `expected an array, got ${shown(args)}. ${isObject ? 'Wrap it in a list: [{ … }]' : 'Write [value] where there is one argument'}`;
}

export function expectedType(got: unknown): string {
  return `expected lower-case words joined by dots, such as 'email.send', got ${JSON.stringify(got)}`;
}

/** Why the request cannot be sent, as far as its rules go; null for no reason. */
export function problemOf(request: JobRequest): ValidationProblem | null {
  const strange = strangeProblem(request, requestNames);
  if (strange !== null) return strange;
  const broken = rules.find(([name, holds]) => !holds(request[name]));
  if (broken === undefined) return null;
  const [name] = broken;
  const value = request[name];
  // Where it is a list or an object, something in it is to blame.
  const isInside = (name === 'args' && Array.isArray(value)) || name === 'meta';
  return (isInside ? jsonProblem(value, name) : null) ?? { path: name, message: words[name](value) };
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

/** @throws {OJSValidationError} for anything but a whole number in these bounds. */
export function integer(value: number | undefined, path: string, min: number): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min)) return value;
  throw OJSValidationError.of(path, `expected a whole number of at least ${min}, got ${quoted(value)}`);
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
