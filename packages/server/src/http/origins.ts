import { isIP } from 'node:net';
import { ProtocolError } from '@ojs-ts/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface Guard {
  /** Allowed names in the Host header, beside localhost and IP addresses. Lower case, without port. */
  readonly allowedHosts: readonly string[];
  /** Origins of web pages that may call this server, such as `https://admin.example.com`. */
  readonly allowedOrigins: readonly string[];
}

/**
 * No web page may reach a developer's queue: Origin or Sec-Fetch-Site reveals a page of another origin, Host a rebound
 * DNS name. An IP address as Host is safe, because a page can only be rebound through a name. Throws
 * `permission_denied`, and `invalid_request` for more than one Host (RFC 9112 §3.2).
 */
export function checkOrigin(request: FastifyRequest, guard: Guard): void {
  // Node keeps the first of several; a proxy may have judged the last.
  if (hostsOf(request.raw.rawHeaders) > 1)
    throw new ProtocolError('invalid_request', 'The request has more than one Host header; expected one.');
  const { host = '', origin } = request.headers;
  const name = hostName(host);
  if (!(name === 'localhost' || isIP(name) !== 0 || guard.allowedHosts.includes(name))) {
    throw denied(
      host === ''
        ? 'The request has no Host header.'
        : `The Host ${JSON.stringify(host.slice(0, 255))} is not a name of this server. Behind a proxy, start it with ` +
            `--allow-host ${name.slice(0, 255)} (OJS_ALLOWED_HOSTS).`,
    );
  }
  if (origin !== undefined && !isOwn(origin, host) && !guard.allowedOrigins.includes(origin)) {
    throw denied(
      `The web page is of another origin, ${JSON.stringify(origin.slice(0, 255))}. To allow it, start the server with ` +
        '--allow-origin (OJS_ALLOWED_ORIGINS) and this origin.',
    );
  }
  const site = request.headers['sec-fetch-site'];
  const foreign = (site === 'cross-site' || (site === 'same-site' && request.method !== 'GET')) && !isVisit(request);
  if (foreign && !(origin !== undefined && guard.allowedOrigins.includes(origin)))
    throw denied(
      `The request comes from a web page of another site (Sec-Fetch-Site: ${site}). To allow pages of an origin, start ` +
        'the server with --allow-origin (OJS_ALLOWED_ORIGINS).',
    );
}

const advice =
  'Send the request from a page of this server, or with the token in Authorization in place of the cookie.';

/**
 * A browser adds a cookie to requests of any page. So one that changes something needs a header that no foreign page
 * can send, and must come from this origin. Browsers say where a request comes from in Sec-Fetch-Site, and where the
 * address is neither HTTPS nor localhost only in Origin. Throws `permission_denied`.
 */
export function checkPage(request: FastifyRequest): void {
  const { method, headers } = request;
  const { host = '', origin, 'sec-fetch-site': site } = headers;
  const isRead = method === 'GET' || method === 'HEAD';
  if (!isRead && headers['x-ojs-csrf'] !== '1')
    throw new ProtocolError(
      'permission_denied',
      `${method} with a session cookie needs the header x-ojs-csrf: 1.`,
      { header: 'x-ojs-csrf' },
      advice,
    );
  if (isVisit(request)) return;
  // A typed address, or a link from no page, has `none`.
  const isOwnPage =
    site === undefined
      ? origin === undefined
        ? isRead
        : isOwn(origin, host)
      : site === 'same-origin' || (isRead && site === 'none');
  if (!isOwnPage)
    throw new ProtocolError(
      'permission_denied',
      'The request has a session cookie, but does not come from a page of this origin.',
      { header: site === undefined ? 'origin' : 'sec-fetch-site' },
      advice,
    );
}

/** A link to a page of this server: its files are the same for all who may read them, and refuse to be framed. */
function isVisit({ headers, routeOptions }: FastifyRequest): boolean {
  return (
    routeOptions.config.page !== undefined &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  );
}

/** Names and values take turns. */
function hostsOf(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host')
    .length;
}

function hostName(host: string): string {
  const bracket = /^\[([0-9a-f:.]+)\](?::\d+)?$/i.exec(host);
  if (bracket?.[1] !== undefined) return bracket[1];
  return host.replace(/:\d+$/, '').toLowerCase();
}

function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function denied(message: string): ProtocolError {
  return new ProtocolError('permission_denied', message, {}, 'The message names the option of the server.');
}

/** How long a browser may remember a preflight, in seconds. */
const maxAge = '600';

/**
 * Lets pages of the allowed origins send JSON and read answers (ojs-http-binding §20.2); never `*`, and never with
 * cookies. True for a preflight, whose answer has only these headers.
 */
export function allowOrigin(request: FastifyRequest, reply: FastifyReply, { allowedOrigins }: Guard): boolean {
  if (allowedOrigins.length === 0) return false;
  reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !allowedOrigins.includes(origin)) return false;
  reply
    .header('access-control-allow-origin', origin)
    .header(
      'access-control-expose-headers',
      'OJS-Version, Preference-Applied, X-Request-Id, Location, Retry-After, X-RateLimit-Limit, ' +
        'X-RateLimit-Remaining, X-RateLimit-Reset',
    );
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  reply
    .header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
    .header(
      'access-control-allow-headers',
      'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, OJS-Requires-Extension, OJS-Version, Prefer, ' +
        'X-Request-Id',
    )
    .header('access-control-max-age', maxAge);
  return true;
}
