import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';

// An `import` of node:http reads all its exports, and one of them loads undici: 25 ms of a start and 9 MiB.
const http = process.getBuiltinModule('node:http');
/** The largest message of a client, in bytes: an action, a channel, a filter. */
const maxMessage = 65_536;
const protocol = 'ojs.v1';
/**
 * The prefix of the subprotocol in which a web page, which can set no header, puts its token: `ojs.bearer.` and the
 * token in base64url.
 */
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
 * WebSocket handshakes as ordinary requests: they pass the router and its hooks, so host, origin, version and token are
 * checked in the same place as for every request, with the same refusals.
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
      // From here on Node no longer manages this socket.
      socket.on('error', () => socket.destroy());
      const response = new http.ServerResponse(request);
      response.shouldKeepAlive = false;
      // It is a socket of net or tls; the type of `upgrade` is wider.
      response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
      response.once('finish', () => socket.end());
      this.#pending.set(request, { socket, head, response });
      app.routing(request, response);
    });
  }

  isPending(request: IncomingMessage): boolean {
    return this.#pending.has(request) && asksForWebSocket(request);
  }

  /** Completes the handshake. The library answers a malformed one with 400 and never calls `connected`. */
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
