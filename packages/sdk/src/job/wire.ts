import { formatDuration, isObject, parseTimestamp, readTime, uuidIn } from '@ojs-ts/core';
import { errorTypeProblem } from '@ojs-ts/core/lifecycle';
import { OJSValidationError } from '../errors.ts';
import { booleanOf, compact, type JsonArray, type Meta, numberOf, objectOf, textsOf, type Wire } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs, integer } from '../options/values.ts';
import type { JobRequest } from './definition.ts';
import { readLimits, wireLimits } from './limit.ts';
import { type JobOptions, wholeSeconds } from './options.ts';
import type { RetryPolicy, UniquePolicy } from './policies.ts';
import { readRetry, readUnique } from './read-job.ts';
import { problemOf, refuse } from './validate-request.ts';

/** A request in its wire form, with the id and queue for retries and errors. */
export interface WireRequest {
  readonly id: string;
  readonly queue: string;
  /** JSON text, in the shape of ojs-http-binding §9.1. */
  readonly text: string;
  /** True if `text` has a delay, as a duration: `"delay_until":"+PT5S"`. */
  readonly isDelayed?: boolean;
  /** Present for a job that has no other options: its fields need not be read from `text`. */
  readonly plain?: PlainFields;
}

export interface PlainFields {
  readonly type: string;
  readonly priority: number;
  readonly tags: readonly string[];
}

/** A request without other options than those of {@link PlainFields}. */
export interface PlainRequest extends WireRequest {
  readonly plain: PlainFields;
}

export function isPlainRequest(request: WireRequest): request is PlainRequest {
  return request.plain !== undefined;
}

/** The options of {@link PlainFields}, and the fields that every request may have. */
const plainNames: ReadonlySet<string> = new Set(['type', 'args', 'meta', 'id', 'queue', 'priority', 'tags']);
const noTags: readonly string[] = [];

/** @throws {OJSValidationError} with every issue's path, before anything is sent. */
export function wireRequest(request: JobRequest): WireRequest {
  const { queue = 'default' } = request;
  const { id = uuidIn(queue) } = request;
  if (isPlain(request)) {
    refuse(problemOf(request));
    const { type, args, meta, priority, tags } = request;
    const text = JSON.stringify({ id, type, args, meta, options: { queue: request.queue, priority, tags } });
    return { id, queue, text, plain: { type, priority: priority ?? 0, tags: tags ?? noTags } };
  }
  const { type, args, meta, schema, options } = wireBody(request);
  const text = JSON.stringify({ id, type, args, meta, schema, options });
  return request.delay === undefined ? { id, queue, text } : { id, queue, text, isDelayed: true };
}

function isPlain(request: JobRequest): boolean {
  for (const name in request) {
    if (!plainNames.has(name) && Reflect.get(request, name) !== undefined) return false;
  }
  return request.tags === undefined || Array.isArray(request.tags);
}

/** The request for a server that takes no delay as a duration: with the time that it comes to. */
export function startingFrom(request: WireRequest, now: number): WireRequest {
  if (request.isDelayed !== true) return request;
  const body: unknown = JSON.parse(request.text);
  if (!isObject(body) || !isObject(body.options)) return request;
  return { ...request, text: JSON.stringify({ ...body, options: delayedFrom(body.options, now) }) };
}

/** Options in their wire form, with the time that a delay comes to. */
export function delayedFrom(options: object, now: number): object {
  if (!('delay_until' in options) || typeof options.delay_until !== 'string') return options;
  const at = readTime(options.delay_until, now);
  return at === null || options.delay_until[0] !== '+'
    ? options
    : { ...options, delay_until: new Date(at).toISOString() };
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
  refuse(problemOf(request));
  const { type, args, meta, schema } = request;
  return { type, args, meta, schema, options: wireOptions(request) };
}

/** The options of a valid request in their wire form. @throws {OJSValidationError} with the path of the option. */
export function wireOptions(options: JobOptions): object {
  const wire: Record<string, unknown> = {
    queue: options.queue,
    priority: options.priority,
    tags: options.tags,
    timeout_ms: executionTimeout(options),
    delay_until: startTime(options),
    expires_at: timestamp(options.expiresAt, 'expiresAt'),
    retry: options.retry === undefined ? undefined : wireRetry(options.retry),
    unique: options.unique === undefined ? undefined : wireUnique(options.unique),
    visibility_timeout_ms: integer(options.visibilityTimeoutMs, 'visibilityTimeoutMs', 1),
    rate_limit: options.limits && wireLimits(options.limits),
    result_ttl: options.resultTtl === 'forever' ? -1 : seconds(options.resultTtl, 'resultTtl', 0),
    result_size_limit: integer(options.resultSizeLimit, 'resultSizeLimit', 1),
    pending: flag(options.pending, 'pending'),
  };
  for (const [name, member, least] of wholeSeconds) wire[member] = seconds(options[name], name, least);
  return compact(wire);
}

/** A duration in whole seconds, as the wire has it. */
function seconds(value: Duration | undefined, path: string, min: number): number | undefined {
  if (value === undefined) return undefined;
  const count = durationMs(value, path) / 1_000;
  if (Number.isInteger(count) && count >= min) return count;
  throw OJSValidationError.of(
    path,
    `expected whole seconds, at least ${min}, such as '30s', got ${JSON.stringify(value)}`,
  );
}

function flag(value: boolean | undefined, path: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw OJSValidationError.of(path, `expected true or false, got ${JSON.stringify(value)}`);
}

function executionTimeout(options: JobOptions): number | undefined {
  onlyOne({ timeoutMs: options.timeoutMs, timeout: options.timeout });
  const { timeout } = options;
  const ms = timeout === undefined ? integer(options.timeoutMs, 'timeoutMs', 0) : durationMs(timeout, 'timeout');
  if (ms !== 0) return ms;
  throw OJSValidationError.of(
    timeout === undefined ? 'timeoutMs' : 'timeout',
    'expected more than 0. Every execution has a timeout: leave the option out for 30 minutes, or name a longer time',
  );
}

function startTime(options: JobOptions): string | undefined {
  onlyOne({ delayUntil: options.delayUntil, scheduledAt: options.scheduledAt, delay: options.delay });
  if (options.delay !== undefined) return `+${formatDuration(durationMs(options.delay, 'delay'))}`;
  return timestamp(options.delayUntil, 'delayUntil') ?? timestamp(options.scheduledAt, 'scheduledAt');
}

/** @throws {OJSValidationError} if two options exclude each other. */
export function onlyOne(spellings: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(spellings).filter((name) => spellings[name] !== undefined);
  const [first, second] = given;
  if (first !== undefined && second !== undefined) {
    throw OJSValidationError.of(
      second,
      `means the same as ${first}; give only one of ${Object.keys(spellings).join(', ')}`,
    );
  }
}

export function wireRetry(retry: RetryPolicy): object {
  if (retry.onExhaustion !== undefined && retry.onExhaustion !== 'discard' && retry.onExhaustion !== 'dead_letter') {
    throw OJSValidationError.of('retry.onExhaustion', "expected 'discard' or 'dead_letter'", retry.onExhaustion);
  }
  const coefficient = retry.backoffCoefficient;
  if (coefficient !== undefined && !(Number.isFinite(coefficient) && coefficient >= 1)) {
    throw OJSValidationError.of('retry.backoffCoefficient', 'expected a number of at least 1', coefficient);
  }
  return compact({
    max_attempts: integer(retry.maxAttempts, 'retry.maxAttempts', 0),
    initial_interval: iso(retry.initialInterval, 'retry.initialInterval'),
    backoff_coefficient: coefficient,
    max_interval: iso(retry.maxInterval, 'retry.maxInterval'),
    jitter: retry.jitter,
    non_retryable_errors: errorTypes(retry.nonRetryableErrors),
    on_exhaustion: retry.onExhaustion,
    backoff_strategy: retry.backoffStrategy,
  });
}

function wireUnique(unique: UniquePolicy): object {
  if (!Array.isArray(unique.keys) || unique.keys.length === 0) {
    throw OJSValidationError.of('unique.keys', "expected at least one of 'type', 'queue', 'args', 'meta'", unique.keys);
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

function errorTypes(names: RetryPolicy['nonRetryableErrors']): RetryPolicy['nonRetryableErrors'] {
  for (const name of Array.isArray(names) ? names : []) {
    const problem = typeof name === 'string' ? errorTypeProblem(name) : null;
    if (problem !== null) throw OJSValidationError.of('retry.nonRetryableErrors', problem);
  }
  return names;
}

function iso(value: Duration | undefined, path: string): string | undefined {
  if (value === undefined) return undefined;
  const ms = durationMs(value, path);
  if (ms > 0) return formatDuration(ms);
  throw OJSValidationError.of(path, "expected more than 0, such as '100ms' or '5s'", value);
}

/** RFC 3339. @throws {OJSValidationError} */
export function timestamp(value: Date | string | undefined, path: string): string | undefined {
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

const retryOf = objectOf(readRetry);
const uniqueOf = objectOf(readUnique);

/** The options of a job, read from their wire form. Durations are ISO 8601 or milliseconds. */
export function readJobOptions(raw: Wire): JobOptions {
  const ttl = numberOf(raw.result_ttl);
  const lengths: Pick<JobOptions, (typeof wholeSeconds)[number][0]> = Object.fromEntries(
    wholeSeconds.map(([name, member]) => [name, milliseconds(raw[member])]),
  );
  return compact({
    priority: numberOf(raw.priority),
    tags: textsOf(raw.tags),
    retry: retryOf(raw.retry),
    unique: uniqueOf(raw.unique),
    timeoutMs: numberOf(raw.timeout_ms) ?? milliseconds(raw.timeout),
    visibilityTimeoutMs: numberOf(raw.visibility_timeout_ms) ?? milliseconds(raw.visibility_timeout),
    limits: readLimits(raw.rate_limit),
    resultTtl: ttl === -1 ? ('forever' as const) : milliseconds(ttl),
    resultSizeLimit: numberOf(raw.result_size_limit),
    ...lengths,
    pending: booleanOf(raw.pending),
  });
}

/** From seconds on the wire. */
function milliseconds(seconds: unknown): number | undefined {
  const count = numberOf(seconds);
  return count === undefined ? undefined : count * 1_000;
}
