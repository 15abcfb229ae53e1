import { type OperationName, pathOf, routeOf } from '@ojs-ts/core/operations';
import type { Answers } from '@ojs-ts/core/schemas';
import { parse, stringify } from '../json/numeral.ts';
import { ApiFailure, isErrorBody } from './failure.ts';
import { apiRoot } from './roots.ts';

export type QueryValue = string | number | boolean | undefined;

export interface CallOptions {
  /** Values of the placeholders in the path. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** Written as JSON; a string is JSON text already. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** A repeated call with the same key gets the answer of the first. */
  readonly idempotencyKey?: string;
}

/** The parsed answer. @throws ApiFailure */
export async function call<Name extends OperationName>(name: Name, options: CallOptions = {}): Promise<Answers[Name]> {
  return parse(await callText(name, options)) as Answers[Name];
}

/** The answer as it came, for documents that are shown as they are. @throws ApiFailure */
export function callText(name: OperationName, options: CallOptions = {}): Promise<string> {
  return send(routeOf(name).method, addressOf(name, options), options, reports.has(name));
}

/** Operations whose answer with an error status is a report, not a refusal: a server in need says 503. */
const reports: ReadonlySet<OperationName> = new Set<OperationName>(['system.health', 'worker.health']);

export function addressOf(name: OperationName, { params, query = {} }: CallOptions): URL {
  const address = new URL(pathOf(name, params).slice(1), apiRoot);
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== '') address.searchParams.set(key, String(value));
  return address;
}

/** Dispatches an event whenever a call meets a session that has ended. */
export const sessionEnded = new EventTarget();

/**
 * @param isReport whether JSON without a member `error` is an answer at any status.
 * @throws ApiFailure
 */
export async function send(method: string, address: URL, options: CallOptions = {}, isReport = false): Promise<string> {
  const { body, signal, idempotencyKey } = options;
  const headers: Record<string, string> = { accept: 'application/json' };
  // A page of another origin cannot send this header, so a cookie alone changes nothing.
  if (method !== 'GET') headers['x-ojs-csrf'] = '1';
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, {
      method,
      headers,
      credentials: 'same-origin',
      ...(body !== undefined && { body: typeof body === 'string' ? body : stringify(body) }),
      ...(signal && { signal }),
    });
    text = await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    const message = 'The server does not answer.';
    const hint = error instanceof Error ? error.message : undefined;
    throw new ApiFailure(0, { code: 'unreachable', message, ...(hint !== undefined && { hint }) });
  }
  if (response.ok || (isReport && isObjectText(text) && !isErrorBody(parse(text)))) return text;
  if (response.status === 401) sessionEnded.dispatchEvent(new Event('ended'));
  throw failureOf(response, text);
}

/** A proxy answers with a page of its own. */
function isObjectText(text: string): boolean {
  try {
    const body = parse(text);
    return typeof body === 'object' && body !== null;
  } catch {
    return false;
  }
}

function failureOf(response: Response, text: string): ApiFailure {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const body = isObjectText(text) ? parse(text) : null;
  if (isErrorBody(body)) return new ApiFailure(response.status, body.error, requestId);
  const message = `Something in front of the server answered ${response.status} ${response.statusText}.`;
  return new ApiFailure(response.status, { code: 'unexpected', message }, requestId);
}
