import { type Call, type Operation, operations, pathOf } from '@ojs-ts/core';
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

/** Path and query of a call under the base URL's own path. */
export function targetOf(call: Call, base: URL): string {
  const path = `${base.pathname.replace(/\/+$/, '')}${pathOf(call.operation, call.params)}`;
  if (call.query === undefined) return path;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? path : `${path}?${query}`;
}

export function methodOf(call: Call): Operation['method'] {
  return operations[call.operation].method;
}

/** The headers of every call (ojs-http-binding §4). The caller's own win over ours, so `Authorization` may be given there too. */
export async function headersOf(call: Call, requestId: string | undefined, options: HttpOptions): Promise<Record<string, string>> {
  const headers: Record<string, string> = { accept: mediaType, 'ojs-version': specVersion, 'user-agent': `ojs-ts/${sdkVersion}` };
  if (call.body !== undefined) headers['content-type'] = mediaType;
  if (requestId !== undefined) headers['x-request-id'] = requestId;
  if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
  const token = typeof options.token === 'function' ? await options.token() : options.token;
  if (token !== undefined && token !== '') headers.authorization = `Bearer ${token}`;
  for (const [name, value] of Object.entries(options.headers)) headers[name.toLowerCase()] = value;
  return headers;
}
