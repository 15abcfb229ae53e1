import type { NamesOf } from '@ojs-ts/core';
import { pause } from '../connection/pause.ts';
import { OJSValidationError } from '../errors.ts';
import { quoted } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import { type Duration, timerMs } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import type { JobContext } from '../worker/execution/context.ts';
import type { ExecutionMiddleware } from './types.ts';

/** Number and pauses of retries. */
export interface RetryOptions {
  /** Runs after the first one. Default: 3. */
  maxRetries?: number | undefined;
  /** The pause before the first retry; each further pause is twice as long. Default: 100 ms. */
  baseDelay?: Duration | undefined;
  /** The longest pause. Default: 30 s. */
  maxDelay?: Duration | undefined;
  /** If true, each pause is a random part of its length. Default: true. */
  jitter?: boolean | undefined;
}

const retryNames: NamesOf<RetryOptions> = { maxRetries: true, baseDelay: true, maxDelay: true, jitter: true };

/**
 * Retries the inner middleware and the handler within one attempt of the job, for failures that pass quickly. It does
 * not retry a DiscardError, a SnoozeError, args that a schema refuses, or anything after `ctx.signal` has aborted. A
 * retry keeps the worker's slot, so use the job's retry policy for long pauses.
 * @throws {OJSValidationError} for a wrong or unknown option.
 */
export function retryMiddleware(options: RetryOptions = {}): ExecutionMiddleware {
  checkNames(options, retryNames);
  const { maxRetries = 3, jitter = true } = options;
  const baseMs = durationMs(options.baseDelay ?? 100, 'baseDelay');
  const maxMs = durationMs(options.maxDelay ?? 30_000, 'maxDelay');
  if (!Number.isInteger(maxRetries) || maxRetries < 0) {
    throw OJSValidationError.of('maxRetries', `expected a whole number of at least 0, got ${quoted(maxRetries)}`);
  }
  return async function retry(context, next) {
    for (let retries = 0; ; retries++) {
      try {
        return await next();
      } catch (error) {
        if (retries >= maxRetries || isFinal(error, context)) throw error;
        const delay = Math.min(maxMs, baseMs * 2 ** Math.min(retries, 30));
        context.log.debug('handler retried within its attempt', { retry: retries + 1 });
        await pause(timerMs(jitter ? delay * Math.random() : delay), context.signal);
        if (context.isCancelled) throw error;
      }
    }
  };
}

/** Compared by name too, because the class may be of another copy of this package. */
function isFinal(error: unknown, context: JobContext): boolean {
  return (
    context.isCancelled ||
    (error instanceof Error && ['DiscardError', 'SnoozeError', 'ContractViolation'].includes(error.name))
  );
}
