import { type Call, enqueueRoute, type Route } from '@ojs-ts/core';
import { part } from '../part.ts';
import { sdkVersion, specVersion } from '../version.ts';
import type { TlsOptions } from './tls.ts';

export type Token = string | (() => string | Promise<string>);

export interface HttpOptions {
  /** Origin and path prefix of the server, without a slash at the end. */
  readonly base: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly token: Token | undefined;
  readonly fetch: typeof fetch | undefined;
  readonly tls?: TlsOptions;
}

/** How long a connection may take to open, in milliseconds (SDK-009). */
export const connectTimeoutMs = 5_000;

const mediaType = 'application/openjobspec+json';

const routes = part(() => import('./routes.ts'));

/** Method, path and query of a call under the base URL's own path. */
export async function requestLineOf(
  call: Call,
  base: URL,
): Promise<{ readonly method: Route['method']; readonly target: string }> {
  const { method, path } = call.operation === 'job.enqueue' ? enqueueRoute : (await routes()).routeOf(call);
  return { method, target: targetOf(base, path) };
}

/** @param path with its query. */
export function targetOf(base: URL, path: string): string {
  return `${base.pathname.replace(/\/+$/, '')}${path}`;
}

/** The headers of every call (ojs-http-binding §4). The caller's own win over ours, so `Authorization` may be given there too. */
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
