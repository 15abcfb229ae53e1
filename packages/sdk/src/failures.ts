import type { Answer } from '@ojs-ts/core';
import { apiError, retryAfterMs } from './api-error.ts';
import { isRefused, type Outcome, readBody } from './attempts.ts';
import type { ErrorContext } from './errors.ts';
import { attempts, isPassing } from './retries.ts';

export { attempts };

/** The outcome of an answer of 400 and more. */
export function refusalOf(answer: Answer, context: ErrorContext): Outcome {
  const api = apiError(answer, context);
  const waitMs = retryAfterMs(answer.headers);
  return { final: !isPassing(api), error: api, api, ...(waitMs !== undefined && { waitMs }) };
}

/** The outcome of any answer. */
export function outcomeOf(answer: Answer, context: ErrorContext, isAnswer?: (answer: Answer) => boolean): Outcome {
  return isRefused(answer, isAnswer) ? refusalOf(answer, context) : readBody(answer, context);
}
