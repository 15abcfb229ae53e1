import { type Answer, type Call, type ErrorCode, errorKinds } from '@ojs-ts/core';
import {
  DuplicateJobError,
  type ErrorContext,
  JobEndedError,
  JobNotFoundError,
  OJSAPIError,
  OJSAuthenticationError,
  type OJSErrorDetail,
  OJSPermissionError,
  QueuePausedError,
  RateLimitedError,
  type RateLimitInfo,
} from '../errors.ts';
import { booleanOf, compact, parseWire, textOf, type Wire, wireOf } from '../json.ts';
import { type HttpOptions, routeOf, targetOf } from '../transport/http.ts';

/** The other names of the catalogue's codes: SCREAMING (ojs-errors §4) and OJS-1234 (ojs-error-catalog §4). */
const otherNames: ReadonlyMap<string, string> = new Map(
  Object.entries(errorKinds).flatMap(([code, kind]) => [
    [kind.canonical.toLowerCase(), code],
    [kind.ojs.toLowerCase(), code],
  ]),
);

/** The meaning of a status if the body has no error, as with a proxy's HTML page. */
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'permission_denied',
  409: 'conflict',
  413: 'envelope_too_large',
  429: 'rate_limited',
  500: 'backend_error',
  502: 'backend_unavailable',
  503: 'backend_unavailable',
  504: 'timeout',
};

/**
 * An answer of 400 and more as the error of its kind. Takes nested and flat bodies, codes in any case, and no body at
 * all.
 * @param place method and URL of the call.
 */
export function apiError(answer: Answer, context: ErrorContext, place = context.operation ?? 'The call'): OJSAPIError {
  const body = parseWire(answer.text);
  const nested = wireOf(body?.error);
  const errorBody = nested ?? body ?? {};
  const details = wireOf(errorBody.details) ?? {};
  const foreign = textOf(errorBody.code) ? undefined : true;
  const read = readCode(errorBody, answer.status);
  // An error object without a code is still a server's word about a resource.
  const code = read === 'http_404' && nested !== undefined ? 'not_found' : isAboutRoute(read, details) ? noRoute : read;
  const serverMessage = textOf(errorBody.message) ?? textOf(body?.error);
  const detail: OJSErrorDetail = compact({
    code,
    message: foreign
      ? foreignMessage(place, answer)
      : code === noRoute
        ? routeMessage(place, answer.status)
        : (serverMessage ?? `${place}: ${answer.status}.`),
    retryable: booleanOf(errorBody.retryable) ?? (isKnown(code) && errorKinds[code].retryable),
    details,
    hint: textOf(errorBody.hint),
    docsUrl: textOf(errorBody.docs_url),
    requestId: textOf(errorBody.request_id) ?? answer.headers['x-request-id'] ?? context.requestId,
    foreign,
  });
  return errorOf(answer.status, detail, {
    ...context,
    ...(answer.status === 429 && { rateLimit: rateLimitOf(answer, detail) }),
  });
}

/** The same refusal for one of several calls that were sent as one. */
export function errorFor(error: OJSAPIError, context: ErrorContext): OJSAPIError {
  const { attempt, requestId } = error;
  const about = { attempt, requestId, ...context, cause: error };
  return errorOf(
    error.statusCode,
    error.error,
    error instanceof RateLimitedError ? { ...about, rateLimit: error.rateLimit } : about,
  );
}

/** The refusal of one item of a bulk answer: the member `error`, without a status of its own. */
export function itemError(error: unknown, context: ErrorContext): OJSAPIError {
  const code = readCode(wireOf(error) ?? {}, 422);
  return apiError(
    { status: isKnown(code) ? errorKinds[code].status : 422, text: JSON.stringify({ error }), headers: {} },
    context,
  );
}

function errorOf(
  status: number,
  detail: OJSErrorDetail,
  context: ErrorContext & { rateLimit?: RateLimitInfo | undefined },
): OJSAPIError {
  const { code } = detail;
  if (status === 401) return new OJSAuthenticationError(status, detail, context);
  if (status === 403) return new OJSPermissionError(status, detail, context);
  if (status === 429) return new RateLimitedError(status, detail, context);
  if (code === 'not_found') return new JobNotFoundError(status, detail, context);
  if (code === 'duplicate') return new DuplicateJobError(status, detail, context);
  if (code === 'job_ended') return new JobEndedError(status, detail, context);
  if (code === 'queue_paused') return new QueuePausedError(status, detail, context);
  return new OJSAPIError(status, detail, context);
}

/** The code of every 404 that is not about a resource: the path has no route. */
const noRoute = 'route_not_found';

/** Our server names the missing route. Every other `not_found` concerns the resource. */
function isAboutRoute(code: string, { method, path }: Wire): boolean {
  return code === 'http_404' || (code === 'not_found' && typeof method === 'string' && typeof path === 'string');
}

function routeMessage(place: string, status: number): string {
  return `${place}: ${status}, no such route. Check the base path of the URL; an older server may lack this operation.`;
}

/** The answer is not from an OJS server, but from a proxy or another server. */
function foreignMessage(place: string, answer: Answer): string {
  const { status } = answer;
  const advice =
    status === 413
      ? 'A proxy on the way may limit the size of a request.'
      : isPassingStatus(status)
        ? 'A proxy may answer like this while the server is unreachable.'
        : checkServer;
  return `${place}: expected an error of Open Job Spec, got ${describeAnswer(answer)}. ${advice}`;
}

function readCode(errorBody: Wire, status: number): string {
  const code = textOf(errorBody.code)?.toLowerCase();
  if (code === undefined || code === '') return codeOfStatus[status] ?? `http_${status}`;
  return otherNames.get(code) ?? code;
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorKinds, code);
}

function rateLimitOf({ headers }: Answer, detail: OJSErrorDetail): RateLimitInfo {
  const wait = retryAfterMs(headers) ?? secondsToMs(detail.details.retry_after);
  return compact({
    limit: headerNumber(headers['x-ratelimit-limit']),
    remaining: headerNumber(headers['x-ratelimit-remaining']),
    reset: headerNumber(headers['x-ratelimit-reset']),
    retryAfter: wait === undefined ? undefined : wait / 1000,
  });
}

/** Retry-After in milliseconds: whole seconds or an HTTP date (RFC 9110 §10.2.3). */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const seconds = headerNumber(text);
  if (seconds !== undefined) return seconds * 1000;
  const at = Date.parse(text);
  // Both by the server's clock.
  const date = Date.parse(headers.date ?? '');
  return Number.isNaN(at) ? undefined : Math.max(0, at - (Number.isNaN(date) ? Date.now() : date));
}

function headerNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(\.\d{1,6})?$/.test(text.trim()) ? Number(text) : undefined;
}

function secondsToMs(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value * 1000 : undefined;
}

/**
 * Method and URL of a call, for messages: without the credentials that a URL may hold. A transport that was given has a
 * path alone.
 */
export function placeOf(call: Call, http: HttpOptions | null): string {
  const { method, path } = routeOf(call);
  return `${method} ${http === null ? path : `${http.base.origin}${targetOf(http.base, path)}`}`;
}

/** Describes an answer that no OJS server gives: its status, its kind and its beginning. */
export function describeAnswer({ status, headers, text }: Answer): string {
  const kind = headers['content-type']?.split(';', 1)[0] ?? 'no content type';
  return `${status} ${kind}${text === '' ? '' : ` ${JSON.stringify(text.slice(0, 80))}`}`;
}

export const checkServer =
  'Check the host, the port and the base path of the URL, and that an OJS server answers there.';

/** Errors that pass by themselves. A paused queue does too, but only when an operator acts. */
export function isPassing(error: OJSAPIError): boolean {
  return isPassingStatus(error.statusCode) && error.code !== 'queue_paused';
}

export function isPassingStatus(status: number): boolean {
  return [429, 500, 502, 503, 504].includes(status);
}
