import { maxDepth } from './arguments.ts';
import { maxPriority } from './draft.ts';
import { OJSValidationError, type ValidationProblem } from './errors.ts';
import type { Flaw, Rule } from './flaw.ts';
import { expectedQueue } from './names.ts';

/** What is said of a value that fails the rule. */
const words: Readonly<Record<Rule, (value: unknown, path: string) => string>> = {
  args: () => 'expected an array of JSON values',
  camel: (_, path) => `there is no such option; here names are in camel case: ${camel(path.replace(/^.*[.]/, ''))}`,
  depth: () => `nested deeper than ${maxDepth} levels`,
  id: (value) => `expected a UUIDv7 in lower case, got ${JSON.stringify(value)}`,
  json: lossOf,
  loop: () => 'the value contains itself',
  priority: (value) => `expected a whole number from ${-maxPriority} to ${maxPriority}, got ${value}`,
  queue: expectedQueue,
  type: (value) => `expected lower-case words joined by dots, such as 'email.send', got ${JSON.stringify(value)}`,
};

export function problemOf({ path, rule, value }: Flaw): ValidationProblem {
  return { path, message: words[rule](value, path) };
}

export function refusalOf(flaw: Flaw): OJSValidationError {
  const { path, message } = problemOf(flaw);
  return OJSValidationError.of(path, message);
}

/** @throws {OJSValidationError} where there is a flaw. */
export function refuse(flaw: Flaw | null): void {
  if (flaw !== null) throw refusalOf(flaw);
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
  throw OJSValidationError.of(path, `expected a whole number of at least ${min}, got ${value}`);
}

function lossOf(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? `${value} is beyond ±(2^53 − 1); send it as a string` : `${value} is no JSON number`;
    case 'bigint':
      return 'bigint is no JSON value; send it as a string';
    case 'object':
      if (value instanceof Date) return 'a Date is no JSON value; send date.toISOString()';
      return `${value?.constructor.name} is no JSON value`;
    default:
      return `${typeof value} is no JSON value`;
  }
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
