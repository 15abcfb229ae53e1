import { utf8Length } from '@ojs-ts/core';
import { OJSValidationError, type ValidationProblem } from '../../errors.ts';
import { lossOf, maxDepth } from '../../job/validate-request.ts';

/** JSON writes these as `{}` or as an object of numbers, and loses their content. */
const emptied = [Map, Set, WeakMap, WeakSet, Promise, RegExp, Error, ArrayBuffer];

/**
 * The result of a job cannot be sent. The attempt fails without a retry: the handler has done its work, and would
 * return the same again.
 */
export class ResultError extends OJSValidationError {
  static override readonly name: string = 'ResultError';
  readonly code: 'invalid_result' | 'result_too_large';

  constructor(code: ResultError['code'], { path, message }: ValidationProblem, advice: string, cause?: unknown) {
    super(`${path}: ${message}. The handler succeeded, but its result cannot be sent: ${advice}.`, {
      issues: [{ path, message }],
      cause,
    });
    this.code = code;
  }
}

/**
 * The JSON text of a result.
 * @param maxBytes the size that the server is known to accept.
 * @throws {ResultError} for a value that JSON would lose: a BigInt, a function, a Map, NaN, a cycle. A value with
 * `toJSON`, such as a Date, is sent in that form.
 */
export function resultText(result: unknown, maxBytes = Number.POSITIVE_INFINITY): string {
  const text = textOf(result);
  const bytes = text.length * 3 <= maxBytes ? 0 : utf8Length(text);
  if (bytes > maxBytes) throw tooLarge(`${bytes} bytes of JSON, and the server takes ${maxBytes}`);
  return text;
}

/** The error for a result that the server has refused. */
export function refusedResult(status: number, reason: string): ResultError {
  const message = `the server refused it with ${status}: ${reason.replace(/\.$/, '')}`;
  if (status === 413) return tooLarge(message);
  return new ResultError('invalid_result', { path: 'result', message }, 'return what the server takes, or nothing');
}

function tooLarge(message: string): ResultError {
  return new ResultError(
    'result_too_large',
    { path: 'result', message },
    'store it elsewhere and return a reference to it',
  );
}

function textOf(result: unknown): string {
  const kept = keptText(result, 'result');
  if (typeof kept === 'string') return kept;
  throw new ResultError('invalid_result', kept, advice, kept.cause);
}

/** The JSON text of a value, or why JSON would lose a part of it. */
export function keptText(value: unknown, path: string): string | (ValidationProblem & { readonly cause?: unknown }) {
  try {
    const problem = problemIn(value, path, []);
    return problem ?? JSON.stringify(value) ?? { path, message: lossOf(undefined) };
  } catch (cause) {
    return { path, message: `it cannot be read as JSON: ${wordsOf(cause)}`, cause };
  }
}

const advice = 'return JSON values, or nothing';

/**
 * The first value that JSON would lose; null if there is none. An undefined item becomes null, as in the results of
 * `Promise.all`.
 */
function problemIn(given: unknown, path: string, above: object[]): ValidationProblem | null {
  if (typeof given === 'string' || typeof given === 'boolean' || given === undefined || given === null) return null;
  if (typeof given === 'number') return Number.isFinite(given) ? null : { path, message: lossOf(given) };
  const value = jsonForm(given);
  if (value !== given && (typeof value !== 'object' || value === null)) return problemIn(value, path, above);
  if (
    typeof value !== 'object' ||
    value === null ||
    ArrayBuffer.isView(value) ||
    emptied.some((kind) => value instanceof kind)
  ) {
    return { path, message: lossOf(value) };
  }
  if (above.includes(value)) return { path, message: 'the value contains itself' };
  if (above.length >= maxDepth) return { path, message: `nested deeper than ${maxDepth} levels` };
  above.push(value);
  const problem = Array.isArray(value) ? problemInList(value, path, above) : problemInObject(value, path, above);
  above.pop();
  return problem;
}

function problemInList(list: readonly unknown[], path: string, above: object[]): ValidationProblem | null {
  for (const [index, item] of list.entries()) {
    const problem = problemIn(item, '', above);
    if (problem !== null) return under(`${path}[${index}]`, problem);
  }
  return null;
}

function problemInObject(value: object, path: string, above: object[]): ValidationProblem | null {
  for (const [key, item] of Object.entries(value)) {
    const problem = problemIn(item, '', above);
    if (problem !== null) return under(`${path}.${key}`, problem);
  }
  return null;
}

/** Paths are built on the way back, because most results have no problem. */
function under(path: string, { path: rest, message }: ValidationProblem): ValidationProblem {
  return { path: `${path}${rest}`, message };
}

/**
 * The value that `toJSON` returns, if there is one. A bigint may have one too: some applications add it to the
 * prototype.
 */
function jsonForm(value: unknown): unknown {
  const owner: unknown = typeof value === 'bigint' ? Object(value) : value;
  if (typeof owner !== 'object' || owner === null || !('toJSON' in owner) || typeof owner.toJSON !== 'function')
    return value;
  return owner.toJSON('');
}

/** A getter or a toJSON of the handler's may throw anything. */
function wordsOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'a value that cannot be read was thrown';
  }
}
