import type { Answer, Call } from '@ojs-ts/core';
import { checkServer, placeOf, shownAnswer } from './answer-place.ts';
import { apiError, retryAfterMs } from './api-error.ts';
import { type CallSettings, isRefused, type Outcome, readBody } from './attempts.ts';
import { type ErrorContext, OJSAnswerError, OJSConnectionError } from './errors.ts';
import { isPassing } from './retries.ts';
import type { HttpOptions } from './transport/http.ts';

export { settle } from './repetition.ts';

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
