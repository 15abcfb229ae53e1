import { formatDuration, isUuidv7, parseTimestamp, uuidv7 } from '@ojs-ts/core';
import { firstProblem } from './arguments.ts';
import type { definitionOf, JobDef } from './definition.ts';
import { type Duration, durationMs } from './duration.ts';
import { OJSValidationError } from './errors.ts';
import { currentTime } from './fake.ts';
import type { JobState, JsonArray, Meta } from './job.ts';
import { compact } from './json.ts';
import { isJobType, isQueueName } from './names.ts';

/** ojs-retry §2. Fields that are left out have the server's default: 3 attempts, PT1S, 2.0, PT5M, jitter, discard. */
export interface RetryPolicy {
  /** Executions in all, the first included. */
  maxAttempts?: number;
  /** Before the second execution; default 1 s. */
  initialInterval?: Duration;
  /** Each pause is so many times the one before; at least 1, default 2. */
  backoffCoefficient?: number;
  /** The longest pause; default 5 min. */
  maxInterval?: Duration;
  /** Whether pauses are spread at random; default true. */
  jitter?: boolean;
  /** Error types, exact or `prefix.*`, that are not tried again. */
  nonRetryableErrors?: readonly string[];
  /** `dead_letter` keeps the job for {@link Client.listDeadLetterJobs}. */
  onExhaustion?: 'discard' | 'dead_letter';
}

/** ojs-unique-jobs §2. `keys` has no default here: the specification's `["type"]` would make every second job of a type a duplicate. */
export interface UniquePolicy {
  /** What makes two jobs the same. */
  keys: readonly ('type' | 'queue' | 'args' | 'meta')[];
  /** Which args count, by place (`'0'`) or by name in the first object that has it; default all. */
  argsKeys?: readonly string[];
  /** Which members of the meta count; default all. */
  metaKeys?: readonly string[];
  /** Jobs older than that do not count; default: all in `states` do. */
  period?: Duration;
  /** Jobs in these states count; default: those that have not ended. */
  states?: readonly JobState[];
  /** What becomes of the second job; default `reject`, a {@link DuplicateJobError}. */
  onConflict?: 'reject' | 'replace' | 'replace_except_schedule' | 'ignore';
}

/** What every method takes. */
export interface CallOptions {
  /** Aborting rejects the call at once with the signal's reason. */
  signal?: AbortSignal;
  /** Deadline of the whole call, retries included; default: the client's `timeout`. */
  requestTimeout?: Duration;
}

/** Everything that can be said of a job besides its type and args. */
export interface JobOptions {
  /** A UUIDv7 in lower case; minted here where it is left out. */
  readonly id?: string;
  /** Default: the client's `queue`. */
  queue?: string;
  /** Passed through as it is; JSON. */
  meta?: Meta;
  /** −100 to 100, higher first; default 0. */
  priority?: number;
  /** How long one execution may take, in milliseconds; default: the server's 30 minutes. */
  timeoutMs?: number;
  /** Not before this time; a text has a zone (RFC 3339). */
  delayUntil?: Date | string;
  /** Past it the job is discarded instead of started. */
  expiresAt?: Date | string;
  /** Fields that are left out have the server's default. */
  retry?: RetryPolicy;
  /** Default: any number of the same. */
  unique?: UniquePolicy;
  /** For finding and filtering. */
  tags?: readonly string[];
  /** URI of the schema of `args`. */
  schema?: string;
  /** Same as `timeoutMs`. */
  timeout?: Duration;
  /** From now on; same as `delayUntil`. */
  delay?: Duration;
  /** Same as `delayUntil`. */
  scheduledAt?: Date | string;
  /** How long the job stays reserved without a heartbeat, in milliseconds; default: the worker's. */
  visibilityTimeoutMs?: number;
}

/** What `enqueue` takes: the options of the job and of the call. */
export interface EnqueueOptions extends JobOptions, CallOptions {}

/** A job to be sent. `R`, the type of its result, is the word of whoever made it; see {@link job}. */
export interface JobRequest<A extends JsonArray = JsonArray, R = unknown> extends JobOptions {
  type: string;
  args: A;
  /** What checks the args; {@link job} puts it here. */
  readonly [definitionOf]?: JobDef;
  readonly '~r'?: R;
}

/** Options of which only one can be said. */
const spellings: readonly (readonly (keyof JobOptions)[])[] = [
  ['timeoutMs', 'timeout'],
  ['delayUntil', 'scheduledAt', 'delay'],
];

/** The options of a call over the defaults of its job; another spelling of a default replaces it too. */
export function withDefaults(defaults: JobOptions | undefined, options: JobOptions): JobOptions {
  if (defaults === undefined) return options;
  const merged = { ...defaults, ...compact(options) };
  for (const group of spellings) {
    if (group.every((name) => options[name] === undefined)) continue;
    for (const name of group) if (options[name] === undefined) delete merged[name];
  }
  return merged;
}

/** The queue of a client is that of what names none. */
export function inQueue<T extends { queue?: string }>(request: T, queue: string | undefined): T {
  return request.queue === undefined && queue !== undefined ? { ...request, queue } : request;
}

/** A request in its wire form, with what a retry and an error need to know of it. */
export interface WireRequest {
  readonly id: string;
  readonly queue: string;
  /** JSON text, in the shape of ojs-http-binding §9.1. */
  readonly text: string;
}

/** @throws {OJSValidationError} with every issue's path, before anything is sent. */
export function wireRequest(request: JobRequest): WireRequest {
  const body = wireBody(request);
  const id = request.id ?? uuidv7();
  if (!isUuidv7(id)) throw OJSValidationError.of('id', `expected a UUIDv7 in lower case, got ${JSON.stringify(id)}`);
  return { id, queue: request.queue ?? 'default', text: JSON.stringify({ id, ...body }) };
}

/** A request's envelope without an id, in the shape of ojs-http-binding §9.1. */
export interface WireBody {
  readonly type: string;
  readonly args: JsonArray;
  readonly meta: Meta | undefined;
  readonly schema: string | undefined;
  readonly options: object;
}

/** @throws {OJSValidationError} as {@link wireRequest}. */
export function wireBody(request: JobRequest): WireBody {
  if (!isJobType(request.type)) {
    throw OJSValidationError.of(
      'type',
      `expected lower-case words joined by dots, such as 'email.send', got ${JSON.stringify(request.type)}`,
    );
  }
  if (!Array.isArray(request.args)) throw OJSValidationError.of('args', 'expected an array of JSON values');
  const problem = firstProblem(request.args) ?? (request.meta === undefined ? null : firstProblem([request.meta]));
  if (problem !== null) throw OJSValidationError.of(problem.path, problem.message);
  return { type: request.type, args: request.args, meta: request.meta, schema: request.schema, options: wireOptions(request) };
}

export function wireOptions(options: JobOptions): object {
  camelOnly(options);
  if (options.queue !== undefined && !isQueueName(options.queue)) {
    throw OJSValidationError.of('queue', `expected lower-case letters, digits, '-' and '.', got ${JSON.stringify(options.queue)}`);
  }
  return compact({
    queue: options.queue,
    priority: integer(options.priority, 'priority', -100, 100),
    timeout_ms: executionTimeout(options),
    delay_until: startTime(options),
    expires_at: timestamp(options.expiresAt, 'expiresAt'),
    retry: options.retry && wireRetry(options.retry),
    unique: options.unique && wireUnique(options.unique),
    tags: options.tags,
    visibility_timeout_ms: integer(options.visibilityTimeoutMs, 'visibilityTimeoutMs', 1),
  });
}

function executionTimeout(options: JobOptions): number | undefined {
  onlyOne({ timeoutMs: options.timeoutMs, timeout: options.timeout });
  if (options.timeout !== undefined) return durationMs(options.timeout, 'timeout');
  return integer(options.timeoutMs, 'timeoutMs', 0);
}

function startTime(options: JobOptions): string | undefined {
  onlyOne({ delayUntil: options.delayUntil, scheduledAt: options.scheduledAt, delay: options.delay });
  if (options.delay !== undefined) return new Date(currentTime() + durationMs(options.delay, 'delay')).toISOString();
  return timestamp(options.delayUntil, 'delayUntil') ?? timestamp(options.scheduledAt, 'scheduledAt');
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

/** @throws {OJSValidationError} where one thing was said in two ways: which one was meant cannot be known. */
export function onlyOne(spellings: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(spellings).filter((name) => spellings[name] !== undefined);
  const [first, second] = given;
  if (first !== undefined && second !== undefined) {
    throw OJSValidationError.of(second, `says the same as ${first}; give one of ${Object.keys(spellings).join(', ')}`);
  }
}

function wireRetry(retry: RetryPolicy): object {
  camelOnly(retry, 'retry.');
  if (retry.onExhaustion !== undefined && retry.onExhaustion !== 'discard' && retry.onExhaustion !== 'dead_letter') {
    throw OJSValidationError.of('retry.onExhaustion', "expected 'discard' or 'dead_letter'");
  }
  const coefficient = retry.backoffCoefficient;
  if (coefficient !== undefined && !(Number.isFinite(coefficient) && coefficient >= 1)) {
    throw OJSValidationError.of('retry.backoffCoefficient', 'expected a number of at least 1');
  }
  return compact({
    max_attempts: integer(retry.maxAttempts, 'retry.maxAttempts', 0),
    initial_interval: iso(retry.initialInterval, 'retry.initialInterval'),
    backoff_coefficient: coefficient,
    max_interval: iso(retry.maxInterval, 'retry.maxInterval'),
    jitter: retry.jitter,
    non_retryable_errors: retry.nonRetryableErrors,
    on_exhaustion: retry.onExhaustion,
  });
}

function wireUnique(unique: UniquePolicy): object {
  camelOnly(unique, 'unique.');
  if (!Array.isArray(unique.keys) || unique.keys.length === 0) {
    throw OJSValidationError.of('unique.keys', "expected at least one of 'type', 'queue', 'args', 'meta'");
  }
  return compact({
    keys: unique.keys,
    args_keys: unique.argsKeys,
    meta_keys: unique.metaKeys,
    period: iso(unique.period, 'unique.period'),
    states: unique.states,
    on_conflict: unique.onConflict,
  });
}

function iso(value: Duration | undefined, path: string): string | undefined {
  return value === undefined ? undefined : formatDuration(durationMs(value, path));
}

function integer(value: number | undefined, path: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return value;
  throw OJSValidationError.of(
    path,
    `expected a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}, got ${value}`,
  );
}

function timestamp(value: Date | string | undefined, path: string): string | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Date) {
    if (!Number.isNaN(value.getTime())) return value.toISOString();
    throw OJSValidationError.of(path, 'the Date is invalid');
  }
  if (parseTimestamp(value) !== null) return value;
  throw OJSValidationError.of(
    path,
    `expected a Date or an RFC 3339 timestamp with a zone, such as 2026-01-31T12:00:00Z, got ${JSON.stringify(value)}`,
  );
}
