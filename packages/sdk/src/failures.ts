import type { Answer } from '@ojs-ts/core';
import { apiError, retryAfterMs } from './api-error.ts';
import { type CallSettings, isRefused, type Outcome, readBody } from './attempts.ts';
import { type ErrorContext, OJSConnectionError } from './errors.ts';
import { isPassing } from './retries.ts';

export { settle } from './repetition.ts';

/** The outcome of any answer. */
export function outcomeOf(answer: Answer, context: ErrorContext, isAnswer?: CallSettings['isAnswer']): Outcome {
  if (isRefused(answer, isAnswer)) return refusalOf(answer, context);
  const body = readBody(answer);
  return body === undefined ? unreadable(answer, context) : { body };
}

function refusalOf(answer: Answer, context: ErrorContext): Outcome {
  const api = apiError(answer, context);
  const waitMs = retryAfterMs(answer.headers);
  return { final: !isPassing(api), error: api, api, ...(waitMs !== undefined && { waitMs }) };
}

function unreadable({ text }: Answer, context: ErrorContext): Outcome {
  const message = `${context.operation}: expected a JSON object, got ${JSON.stringify(text.slice(0, 80))}.`;
  return { final: true, error: new OJSConnectionError(message, context) };
}
