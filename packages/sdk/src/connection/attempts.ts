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
import type { Duration } from '../options/duration.ts';
import { known } from '../options/known.ts';
import { durationMs } from '../options/values.ts';
import type { HttpOptions } from '../transport/http.ts';
import { apiError, checkServer, isPassing, placeOf, retryAfterMs, shownAnswer } from './api-error.ts';
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
  /** Statuses of 400 and more that are an answer all the same. */
  readonly isAnswer?: (answer: Answer) => boolean;
  /** Asked when the server refuses a repeated call whose first outcome is unknown. */
  readonly recover?: (error: OJSAPIError) => Recovery | null;
  /** Of the job that the call makes: a duplicate of this id is the work of an earlier attempt, and what the call finds. */
  readonly jobId?: string;
  /** True where an earlier call of somebody else may have had the same effect already. */
  readonly uncertain?: boolean;
  /** Errors that are not worth another attempt although they might pass. */
  readonly isFinal?: (error: OJSAPIError) => boolean;
  /** Told before another attempt; `uncertain` as in `recover`. */
  readonly repeating?: (uncertain: boolean) => void;
}

/** No answer, or none that can be read. */
export interface Unanswered {
  readonly final: boolean;
  readonly error: OJSError;
  readonly waitMs?: number;
}

/** What an attempt met. */
export type Outcome =
  | { readonly body: Wire }
  | Unanswered
  | { readonly final: boolean; readonly error: OJSError; readonly api: OJSAPIError; readonly waitMs?: number };

/** How a call ended, once no attempt is left. */
export type End = { readonly body: Wire } | { readonly error: OJSError; readonly recovery: Recovery | null };

/** @throws {OJSValidationError} */
export function readRetryRules(retry: RetryOptions | false | undefined): RetryRules {
  if (retry !== false && retry !== undefined) known(retry, retryNames, 'requestRetry');
  const { maxRetries = 5, minBackoff = 100, maxBackoff = 5_000 } = retry === false ? { maxRetries: 0 } : (retry ?? {});
  return {
    max: maxRetries,
    minMs: durationMs(minBackoff, 'requestRetry.minBackoff'),
    maxMs: durationMs(maxBackoff, 'requestRetry.maxBackoff'),
  };
}

export function isRefused(answer: Answer, isAnswer?: (answer: Answer) => boolean): boolean {
  return answer.status >= 400 && !isAnswer?.(answer);
}

/** No answer came: whether the call took effect is unknown. @param http where the call went; null for a transport that was given. */
export function unanswered(cause: unknown, context: ErrorContext, http: HttpOptions | null): Unanswered {
  const said = `${context.operation}: ${messageOf(cause)}`;
  const message =
    http === null
      ? said
      : `${said.replace(/\.$/, '')}. Check the URL ${http.base.origin}, and that an OJS server runs there.`;
  return { final: false, error: new OJSConnectionError(message, { ...context, cause }) };
}

/** The error of a call whose deadline of so many milliseconds has passed. */
export function expiry(ms: number, about: ErrorContext, met: readonly OJSError[] = []): OJSTimeoutError {
  const context = { attempt: met.length + 1, cause: met.at(-1), ...about };
  return new OJSTimeoutError(`${about.operation}: no answer within ${Math.round(ms)} ms.`, context);
}

/** Node puts the useful part of a failed connection into the code or the cause. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  const code =
    'code' in error && typeof error.code === 'string' && !error.message.includes(error.code) ? ` [${error.code}]` : '';
  return `${error.message}${code}${cause}`.trim();
}

/** The body of an answer that is no refusal; undefined for one that cannot be read, such as a page of some proxy. */
export function readBody({ status, text }: Answer): Wire | undefined {
  // Other servers may have nothing to tell, such as of what was deleted (ojs-http-binding §4).
  return status === 204 ? {} : parseWire(text);
}

/** One attempt that is to be made now, after a pause. */
export interface Attempt {
  readonly context: ErrorContext;
  readonly pauseMs: number;
}

/**
 * The attempts of a call (no answer, 429, 500, 502, 503, 504 are tried again, within the deadline), apart from how they are made.
 * @param remaining milliseconds until the deadline.
 * @param failures grows by what every attempt met.
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
    const pause = pauseAfter(failures.length, rules);
    pauseMs = outcome.waitMs ?? pause ?? 0;
    if (pause === null || pauseMs >= remaining()) return { error: outcome.error, recovery: null };
    settings.repeating?.(uncertain);
  }
}

function recoveryOf({ jobId, recover }: CallSettings, error: OJSAPIError): Recovery | null {
  if (jobId !== undefined && isOwn(error, [jobId])) return asFound(getCall(jobId));
  return recover?.(error) ?? null;
}

/** Milliseconds to wait after so many failures; null where there are to be no more attempts. */
export function pauseAfter(failures: number, rules: RetryRules): number | null {
  return failures > rules.max ? null : backoffMs(failures, rules.minMs, rules.maxMs);
}

/** A call, and where it went; null for a transport that was given. */
export interface Asked {
  readonly call: Call;
  readonly http: HttpOptions | null;
}

/** The outcome of any answer. */
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

/** The error of an operation that could not read an answer, with where that came from; every other error as it is. */
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
  const message = `${placeOf(call, http)}: expected a JSON object, got ${shownAnswer(answer)}. ${checkServer}`;
  return { final: true, error: new OJSConnectionError(message, context) };
}
