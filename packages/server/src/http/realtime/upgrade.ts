import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';

/** Messages of clients are short: an action, a channel, a filter. In bytes. */
const maxMessage = 65_536;
const protocol = 'ojs.v1';
/** Where a web page puts its token, because it can set no header: `ojs.bearer.` and the token in base64url. */
const bearerPrefix = 'ojs.bearer.';

interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly response: ServerResponse;
}

export function asksForWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * WebSocket handshakes as requests like any other: they pass the router and its hooks, so that host, origin, version
 * and token are checked in the same place as for every request, and are refused with the same answers.
 */
export class Upgrades {
  readonly #pending = new WeakMap<IncomingMessage, Upgrade>();
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessage,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });

  constructor(app: FastifyInstance) {
    app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // From here on Node looks after this socket no more.
      socket.on('error', () => socket.destroy());
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      // It is a socket of net or tls; the declaration of `upgrade` says less.
      response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
      response.once('finish', () => socket.end());
      this.#pending.set(request, { socket, head, response });
      app.routing(request, response);
    });
  }

  isPending(request: IncomingMessage): boolean {
    return this.#pending.has(request) && asksForWebSocket(request);
  }

  /**
   * Completes the handshake; one that is malformed is answered with 400 by the library, and `connected` is never
   * called.
   */
  accept(request: IncomingMessage, connected: (socket: WebSocket) => void): void {
    const upgrade = this.#pending.get(request);
    if (upgrade === undefined) return;
    const { socket, head, response } = upgrade;
    this.#pending.delete(request);
    response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0]);
    this.#server.handleUpgrade(request, socket, head, connected);
  }
}

/** The token of a handshake, in the form of an Authorization header. */
export function authorizationOf({
  authorization,
  'sec-websocket-protocol': protocols,
}: IncomingMessage['headers']): string | undefined {
  if (authorization !== undefined) return authorization;
  const offered = (protocols ?? '').split(',').map((name) => name.trim());
  const token = offered.find((name) => name.startsWith(bearerPrefix))?.slice(bearerPrefix.length);
  return token === undefined ? undefined : `Bearer ${Buffer.from(token, 'base64url').toString('utf8')}`;
}
