import type { FastifyReply, FastifyRequest } from 'fastify';
import { asksForWebSocket, authorizationOf } from '../realtime/http/upgrade.ts';
import type { Credential, Holder } from './auth.ts';
import type { Sessions } from './dashboard/sessions.ts';
import type { Logins } from './logins.ts';
import { checkPage } from './origins.ts';
import { addressOf } from './proxies.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null without one, and where no token is needed. */
    credential: Credential | null;
    /** Null without a known token, and where no token is needed. */
    holder: Holder | null;
  }
}

interface Parts {
  readonly logins: Logins;
  /** Null where no page logs in. */
  readonly sessions: Sessions | null;
}

/**
 * Finds out whose a request is, where tokens are asked for.
 * @throws ProtocolError `permission_denied` for a cookie that a browser may have sent for a foreign page,
 * `rate_limited` where too many logins of the address wait.
 */
export async function identify(
  request: FastifyRequest,
  reply: FastifyReply,
  { logins, sessions }: Parts,
): Promise<void> {
  const credential = credentialOf(request, sessions);
  if (credential === null) return;
  const { header, session } = credential;
  if (session !== null) {
    checkPage(request);
    // Shared caches know that an answer to an Authorization header is private, but not an answer to a cookie.
    reply.header('cache-control', 'no-store');
  }
  request.credential = credential;
  const holder = await logins.holder(header, {
    address: addressOf(request),
    route: `${request.method} ${request.routeOptions.url}`,
    requestId: request.id,
    isSealed: session !== null,
  });
  request.holder = session === null || holder === null ? holder : { ...holder, endsAt: session.endsAt };
}

/**
 * The token of a header, else of a session's cookie. A WebSocket has its token in a header or in a subprotocol: a
 * browser opens one for any page, without asking.
 */
function credentialOf({ raw }: FastifyRequest, sessions: Sessions | null): Credential | null {
  if (asksForWebSocket(raw)) {
    const header = authorizationOf(raw.headers);
    return header === undefined ? null : { header, session: null };
  }
  const { authorization, cookie } = raw.headers;
  if (authorization !== undefined) return { header: authorization, session: null };
  const session = sessions?.find(cookie) ?? null;
  return session && { header: `Bearer ${session.token}`, session };
}
