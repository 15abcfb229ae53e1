import type { Answer, Call, NamesOf } from '@ojs-ts/core';
import {
  type ErrorContext,
  OJSAnswerError,
  type OJSAPIError,
  OJSConnectionError,
  type OJSError,
  OJSTimeoutError,
} from '../errors.ts';
import { parseWire, type Wire } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import { NoDevServer } from '../transport/found.ts';
import type { HttpOptions } from '../transport/http.ts';
import { apiError, checkServer, describeAnswer, isPassing, placeOf, retryAfterMs } from './api-error.ts';
import { backoffMs } from './pause.ts';
import { asFound, getCall, isOwn, type Recovery } from './recovery.ts';

export interface RetryOptions {
  maxRetries?: number | undefined;
  minBackoff?: Duration | undefined;
  maxBackoff?: Duration | undefined;
}

const retryNames: NamesOf<RetryOptions> = { maxRetries: true, minBackoff: true, maxBackoff: true };

export interface RetryRules {
  readonly max: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface CallSettings {
  /** Reports whether an answer with a status of 400 or more is no error. */
  readonly isAnswer?: (answer: Answer) => boolean;
  /** Called if the server refuses a retry and the outcome of an earlier attempt is unknown. */
  readonly recover?: (error: OJSAPIError) => Recovery | null;
  /** The id of the job that the call makes. If the server finds it a duplicate, an earlier attempt has made the job. */
  readonly jobId?: string;
  /** True if an earlier call may have had the same effect. */
  readonly uncertain?: boolean;
  /** Errors without a retry, although they may pass. */
  readonly isFinal?: (error: OJSAPIError) => boolean;
  /** Called before a retry. `uncertain`: the outcome of an earlier attempt is unknown. */
  readonly repeating?: (uncertain: boolean) => void;
}

/** No answer came, or an unreadable one. */
export interface Unanswered {
  readonly final: boolean;
  readonly error: OJSError;
  readonly waitMs?: number;
}

/** The outcome of an attempt. */
export type Outcome =
  | { readonly body: Wire }
  | Unanswered
  | { readonly final: boolean; readonly error: OJSError; readonly api: OJSAPIError; readonly waitMs?: number };

/** The outcome of a call after its last attempt. */
export type End = { readonly body: Wire } | { readonly error: OJSError; readonly recovery: Recovery | null };

/** @throws {OJSValidationError} */
export function readRetryRules(retry: RetryOptions | false | undefined): RetryRules {
  if (retry !== false && retry !== undefined) checkNames(retry, retryNames, 'requestRetry');
  const {
    maxRetries = Number.POSITIVE_INFINITY,
    minBackoff = 100,
    maxBackoff = 5_000,
  } = retry === false ? { maxRetries: 0 } : (retry ?? {});
  return {
    max: maxRetries,
    minMs: durationMs(minBackoff, 'requestRetry.minBackoff'),
    maxMs: durationMs(maxBackoff, 'requestRetry.maxBackoff'),
  };
}

export function isRefused(answer: Answer, isAnswer?: (answer: Answer) => boolean): boolean {
  return answer.status >= 400 && !isAnswer?.(answer);
}

/**
 * The outcome without an answer: the call may have taken effect. @param http the server; null for a transport that was
 * given.
 */
export function unanswered(cause: unknown, context: ErrorContext, http: HttpOptions | null): Unanswered {
  const failure = `${context.operation}: ${messageOf(cause)}`;
  const message =
    http === null || cause instanceof NoDevServer
      ? failure
      : `${failure.replace(/\.$/, '')}. Check the URL ${http.base.origin}, and that an OJS server runs there.`;
  return { final: false, error: new OJSConnectionError(message, { ...context, cause }) };
}

/**
 * The error of a call whose deadline has passed. @param ms the deadline in milliseconds. @param met the errors of the
 * attempts.
 */
export function expiry(ms: number, about: ErrorContext, met: readonly OJSError[] = []): OJSTimeoutError {
  const last = met.at(-1);
  const context = { attempt: met.length + 1, cause: last, ...about };
  const failure = last === undefined ? '' : ` Attempt ${met.length} failed: ${withoutOperation(last, about)}`;
  return new OJSTimeoutError(`${about.operation}: no answer within ${Math.round(ms)} ms.${failure}`, context);
}

/** The message of an error as a sentence, without the operation in front. */
function withoutOperation({ message }: OJSError, { operation }: ErrorContext): string {
  const place = `${operation}: `;
  const text = message.startsWith(place) ? message.slice(place.length) : message;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The message of an error. Node puts the useful part of a failed connection into `code` or `cause`. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  const code =
    'code' in error && typeof error.code === 'string' && !error.message.includes(error.code) ? ` [${error.code}]` : '';
  return `${error.message}${code}${cause}`.trim();
}

/** The body of a successful answer; undefined if the body is unreadable, such as the page of a proxy. */
export function readBody({ status, text }: Answer): Wire | undefined {
  // Other servers may answer 204, for example after a deletion (ojs-http-binding §4).
  return status === 204 ? {} : parseWire(text);
}

/** The next attempt, after a pause. */
export interface Attempt {
  readonly context: ErrorContext;
  readonly pauseMs: number;
}

/**
 * The attempts of a call, as a generator: asynchronous and synchronous clients make them in their own way. Without an
 * answer, and after 429, 500, 502, 503 and 504, there is a retry within the deadline.
 * @param remaining milliseconds until the deadline.
 * @param failures collects the error of every attempt.
 */
export function* attempts(
  about: ErrorContext,
  settings: CallSettings,
  rules: RetryRules,
  remaining: () => number,
  failures: OJSError[],
): Generator<Attempt, End, Outcome> {
  let uncertain = settings.uncertain ?? false;
  let pauseMs = 0;
  for (;;) {
    const outcome: Outcome = yield { context: { ...about, attempt: failures.length + 1 }, pauseMs };
    if ('body' in outcome) return outcome;
    if (outcome.final || ('api' in outcome && settings.isFinal?.(outcome.api))) {
      return {
        error: outcome.error,
        recovery: uncertain && 'api' in outcome ? recoveryOf(settings, outcome.api) : null,
      };
    }
    failures.push(outcome.error);
    uncertain ||= !('api' in outcome) || outcome.api.statusCode !== 429;
    const pause = pauseAfter(failures.length, rules, remaining());
    pauseMs = outcome.waitMs ?? pause ?? 0;
    if (pause === null || pauseMs >= remaining()) return { error: outcome.error, recovery: null };
    settings.repeating?.(uncertain);
  }
}

function recoveryOf({ jobId, recover }: CallSettings, error: OJSAPIError): Recovery | null {
  if (jobId !== undefined && isOwn(error, [jobId])) return asFound(getCall(jobId));
  return recover?.(error) ?? null;
}

/**
 * The pause before the next attempt, in milliseconds; null after the last one. A long pause is cut, so that the last
 * attempts come shortly before the deadline.
 */
export function pauseAfter(failures: number, rules: RetryRules, remaining: number): number | null {
  if (failures > rules.max || remaining <= rules.minMs) return null;
  return Math.min(backoffMs(failures, rules.minMs, rules.maxMs), Math.max(rules.minMs, remaining / 2));
}

/** A call and its server; null for a transport that was given. */
export interface Asked {
  readonly call: Call;
  readonly http: HttpOptions | null;
}

/** The outcome of an attempt that was answered. */
export function outcomeOf(
  answer: Answer,
  asked: Asked,
  context: ErrorContext,
  isAnswer?: CallSettings['isAnswer'],
): Outcome {
  if (isRefused(answer, isAnswer)) return refusalOf(answer, asked, context);
  const body = readBody(answer);
  return body === undefined ? unreadable(answer, asked, context) : { body };
}

/** Adds the URL of the call to the error about an unreadable answer. Other errors stay. */
export function placed(error: unknown, { call, http }: Asked): unknown {
  if (!(error instanceof OJSAnswerError)) return error;
  return new OJSConnectionError(`${placeOf(call, http)}: ${error.message} ${checkServer}`, {
    operation: call.operation,
    cause: error,
  });
}

function refusalOf(answer: Answer, { call, http }: Asked, context: ErrorContext): Outcome {
  const api = apiError(answer, context, placeOf(call, http));
  const waitMs = retryAfterMs(answer.headers);
  return { final: !isPassing(api), error: api, api, ...(waitMs !== undefined && { waitMs }) };
}

function unreadable(answer: Answer, { call, http }: Asked, context: ErrorContext): Outcome {
  const message = `${placeOf(call, http)}: expected a JSON object, got ${describeAnswer(answer)}. ${checkServer}`;
  return { final: true, error: new OJSConnectionError(message, context) };
}
