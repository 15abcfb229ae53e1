import type { Answer, Call } from '@ojs-ts/core';
import { type HttpOptions, targetOf } from './transport/http.ts';
import { routeOf } from './transport/routes.ts';

/** Method and URL of a call, for messages: without the credentials that a URL may hold. A transport that was given has a path alone. */
export function placeOf(call: Call, http: HttpOptions | null): string {
  const { method, path } = routeOf(call);
  return `${method} ${http === null ? path : `${http.base.origin}${targetOf(http.base, path)}`}`;
}

/** What came back that no OJS server says: status, kind, and how it begins. */
export function shownAnswer({ status, headers, text }: Answer): string {
  const kind = headers['content-type']?.split(';', 1)[0] ?? 'no content type';
  return `${status} ${kind}${text === '' ? '' : ` ${JSON.stringify(text.slice(0, 80))}`}`;
}

export const checkServer =
  'Check the host, the port and the base path of the URL, and that an OJS server answers there.';
