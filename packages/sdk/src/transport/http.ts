import type { Call } from '@ojs-ts/core';
import { routeOf as ownRouteOf, pathOf, type Route } from '@ojs-ts/core/operations';
import { OJSValidationError } from '../errors.ts';
import { sdkVersion, specVersion } from '../version.ts';
import type { TlsOptions } from './tls.ts';

export type Token = string | (() => string | Promise<string>);

export interface HttpOptions {
  /** Origin and path prefix of the server, without a slash at the end. */
  readonly base: URL;
  /** Looks for a server at each call if the user named none. @throws {NoDevServer} */
  readonly find?: (() => URL) | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly token: Token | undefined;
  readonly fetch: typeof fetch | undefined;
  readonly tls?: TlsOptions;
}

/** The longest time to open a connection, in milliseconds (ojs-sdk-guidelines, SDK-009). */
export const connectTimeoutMs = 5_000;

const mediaType = 'application/openjobspec+json';

/** Method, path and query of a call under the base URL's own path. */
export function requestLineOf(call: Call, base: URL): { readonly method: Route['method']; readonly target: string } {
  const { method, path } = routeOf(call);
  return { method, target: targetOf(base, path) };
}

/** @param path with its query. */
export function targetOf(base: URL, path: string): string {
  return `${base.pathname.replace(/\/+$/, '')}${path}`;
}

/** The headers of every call (ojs-http-binding §4). Headers of the caller win, also for `Authorization`. */
export async function headersOf(
  call: Call,
  requestId: string | undefined,
  options: HttpOptions,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {
    accept: mediaType,
    'ojs-version': specVersion,
    'user-agent': `ojs-ts/${sdkVersion}`,
  };
  if (call.body !== undefined) headers['content-type'] = mediaType;
  if (requestId !== undefined) headers['x-request-id'] = requestId;
  if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
  const token = typeof options.token === 'function' ? await options.token() : options.token;
  if (token !== undefined && token !== '') headers.authorization = `Bearer ${token}`;
  for (const [name, value] of Object.entries(options.headers)) headers[name.toLowerCase()] = value;
  return headers;
}

/** Databases that a server stores its jobs in. */
const storages = /^(?:rediss?|postgres(?:ql)?|sqlite):$/;

export const defaultUrl = 'http://localhost:8080';

/** @param name of the option or variable that holds the text. @throws {OJSValidationError} */
export function readBaseUrl(text: string, name: string): URL {
  const base = URL.parse(text);
  if (base !== null && /^https?:$/.test(base.protocol) && !/\/ojs\/v1\/?$/.test(base.pathname)) return base;
  if (base !== null && storages.test(base.protocol))
    throw OJSValidationError.of(
      name,
      `expected the URL of an OJS server, such as ${defaultUrl}, got the ${base.protocol} URL of a storage, ` +
        'which belongs to the server: ojs serve --storage URL',
    );
  throw OJSValidationError.of(
    name,
    `expected an http or https URL without /ojs/v1, such as ${defaultUrl}, got ${JSON.stringify(text)}`,
  );
}

/** The method of a call, and its path with parameters and query. */
export function routeOf({ operation, params, query }: Call): Route {
  return { ...ownRouteOf(operation), path: withQuery(pathOf(operation, params), query) };
}

export function withQuery(path: string, query: Call['query'] = {}): string {
  const texts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) texts.set(name, String(value));
  return texts.size === 0 ? path : `${path}?${texts}`;
}
