import { isUuidv7, uuidv7 } from '@ojs-ts/core';
import { firstProblem } from './arguments.ts';
import { OJSValidationError } from './errors.ts';
import type { JsonArray, Meta } from './job.ts';
import { compact } from './json.ts';
import { isJobType, isQueueName } from './names.ts';
import type { JobOptions, JobRequest } from './options.ts';

/** A request in its wire form, with what a retry and an error need to know of it. */
export interface WireRequest {
  readonly id: string;
  readonly queue: string;
  /** JSON text, in the shape of ojs-http-binding §9.1. */
  readonly text: string;
}

/** A request of which all is written but the options: `text` lacks them, and its end. */
export interface Draft extends WireRequest {}

/** @throws {OJSValidationError} with every issue's path. */
export function draftOf(request: JobRequest): Draft {
  const body = checkedBody(request);
  const id = request.id ?? uuidv7();
  if (!isUuidv7(id)) throw OJSValidationError.of('id', `expected a UUIDv7 in lower case, got ${JSON.stringify(id)}`);
  return { id, queue: request.queue ?? 'default', text: JSON.stringify({ id, ...body }).slice(0, -1) };
}

/** @param options in their wire form. */
export function finished({ id, queue, text }: Draft, options: object): WireRequest {
  return { id, queue, text: `${text},"options":${JSON.stringify(options)}}` };
}

/** What a request says besides its options, in its wire form. */
export interface CheckedBody {
  readonly type: string;
  readonly args: JsonArray;
  readonly meta: Meta | undefined;
  readonly schema: string | undefined;
}

/** @throws {OJSValidationError} with every issue's path. */
export function checkedBody(request: JobRequest): CheckedBody {
  if (!isJobType(request.type)) {
    throw OJSValidationError.of(
      'type',
      `expected lower-case words joined by dots, such as 'email.send', got ${JSON.stringify(request.type)}`,
    );
  }
  if (!Array.isArray(request.args)) throw OJSValidationError.of('args', 'expected an array of JSON values');
  const problem = firstProblem(request.args) ?? (request.meta === undefined ? null : firstProblem([request.meta]));
  if (problem !== null) throw OJSValidationError.of(problem.path, problem.message);
  return { type: request.type, args: request.args, meta: request.meta, schema: request.schema };
}

/** Options whose wire form is read from a time or a policy; see `wire.ts`. */
const derived = [
  'timeoutMs',
  'timeout',
  'delayUntil',
  'scheduledAt',
  'delay',
  'expiresAt',
  'retry',
  'unique',
  'visibilityTimeoutMs',
] as const satisfies readonly (keyof JobOptions)[];

/** Whether {@link plainOptions} is all that the options say. */
export function isPlain(options: JobOptions): boolean {
  return derived.every((name) => options[name] === undefined);
}

/** The options that are sent nearly as they are given. @throws {OJSValidationError} */
export function plainOptions(options: JobOptions): object {
  camelOnly(options);
  const { queue, priority, tags } = options;
  if (queue !== undefined && !isQueueName(queue)) {
    throw OJSValidationError.of('queue', `expected lower-case letters, digits, '-' and '.', got ${JSON.stringify(queue)}`);
  }
  return compact({ queue, priority: integer(priority, 'priority', -100, 100), tags });
}

/**
 * Names of another SDK, such as `timeout_ms`, would do nothing in silence where the compiler does not see them.
 * @throws {OJSValidationError}
 */
export function camelOnly(options: object, path = ''): void {
  const name = Object.keys(options).find((key) => /^[a-z]+(_[a-z]+)+$/.test(key));
  if (name === undefined) return;
  const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  throw OJSValidationError.of(`${path}${name}`, `there is no such option; here names are in camel case: ${camel}`);
}

/** @throws {OJSValidationError} for anything but a whole number in these bounds. */
export function integer(value: number | undefined, path: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return value;
  throw OJSValidationError.of(
    path,
    `expected a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}, got ${value}`,
  );
}
