import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Guard } from './guard.ts';

/** How long a browser may remember a preflight, in seconds. */
const maxAge = '600';

/**
 * Lets pages of the allowed origins send JSON and read answers (ojs-http-binding §20.2); never `*`, and never with cookies.
 * True for a preflight, which needs no other answer than these headers.
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
      'OJS-Version, Preference-Applied, X-Request-Id, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset',
    );
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  reply
    .header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
    .header(
      'access-control-allow-headers',
      'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, OJS-Requires-Extension, OJS-Version, Prefer, X-Request-Id',
    )
    .header('access-control-max-age', maxAge);
  return true;
}
