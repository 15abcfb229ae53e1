import { formatDuration, parseTimestamp } from '@ojs-ts/core';
import { bodyOf, draftOf, finished, plainOptions, type RequestBody, type WireRequest } from './draft.ts';
import { type Duration, durationMs } from './duration.ts';
import { OJSValidationError } from './errors.ts';
import { currentFake } from './fake.ts';
import { compact } from './json.ts';
import type { JobOptions, JobRequest, RetryPolicy, UniquePolicy } from './options.ts';
import { integer, nameProblem, problemOf, refuse } from './refusal.ts';

/** @throws {OJSValidationError} with every issue's path, before anything is sent. */
export function wireRequest(request: JobRequest): WireRequest {
  refuse(problemOf(request));
  return finished(draftOf(request), wireOptions(request));
}

/** A request's envelope without an id, in the shape of ojs-http-binding §9.1. */
export interface WireBody extends RequestBody {
  readonly options: object;
}

/** @throws {OJSValidationError} as {@link wireRequest}. */
export function wireBody(request: JobRequest): WireBody {
  refuse(problemOf(request));
  return { ...bodyOf(request), options: wireOptions(request) };
}

/** Of a request whose rules hold. @throws {OJSValidationError} with the path of the option. */
export function wireOptions(options: JobOptions): object {
  return compact({
    ...plainOptions(options),
    timeout_ms: executionTimeout(options),
    delay_until: startTime(options),
    expires_at: timestamp(options.expiresAt, 'expiresAt'),
    retry: options.retry && wireRetry(options.retry),
    unique: options.unique && wireUnique(options.unique),
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
  if (options.delay !== undefined) return new Date(now() + durationMs(options.delay, 'delay')).toISOString();
  return timestamp(options.delayUntil, 'delayUntil') ?? timestamp(options.scheduledAt, 'scheduledAt');
}

/** What a delay counts from. */
function now(): number {
  return currentFake()?.now?.() ?? Date.now();
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
  refuse(nameProblem(retry, 'retry.'));
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
  refuse(nameProblem(unique, 'unique.'));
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
