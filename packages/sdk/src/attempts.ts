import type { Answer, Call, NamesOf } from '@ojs-ts/core';
import { type Duration, durationMs } from './duration.ts';
import { type ErrorContext, type OJSAPIError, OJSConnectionError, type OJSError, OJSTimeoutError } from './errors.ts';
import { parseWire, type Wire } from './json.ts';
import { known } from './known.ts';
import type { HttpOptions } from './transport/http.ts';

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

/** How a refused repetition of a call whose first outcome is unknown may still turn out well. */
export interface Recovery {
  /** What to ask first. */
  readonly calls: readonly Call[];
  /** The body that says the first call took effect, or null. */
  readonly body: (found: readonly Wire[]) => Wire | null;
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
