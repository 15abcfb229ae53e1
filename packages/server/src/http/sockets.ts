import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { Connection, Connections } from './connections.ts';

/** How often idle connections are looked at, in milliseconds. */
const sweepMs = 500;

/** Keeps the sockets of a server within the limits of {@link Connections}. */
export class Sockets {
  readonly #connections: Connections;
  readonly #bySocket = new WeakMap<Socket, Connection>();

  constructor({ server }: FastifyInstance, connections: Connections) {
    this.#connections = connections;
    // With TLS requests come from another object than the connection: the two have the same peer.
    const handshakes = new Map<string, Connection>();
    server.on('connection', (socket: Socket) => {
      const from = socket.remoteAddress;
      const connection = from === undefined ? null : connections.open(from, () => socket.destroy());
      if (connection === null) {
        socket.destroy();
        return;
      }
      const peer = peerOf(socket);
      this.#bySocket.set(socket, connection);
      handshakes.set(peer, connection);
      socket.once('close', () => {
        handshakes.delete(peer);
        connections.closed(connection);
      });
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      const connection = handshakes.get(peerOf(socket));
      if (connection !== undefined) this.#bySocket.set(socket, connection);
    });
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      const connection = this.#bySocket.get(request.socket);
      if (connection === undefined) return;
      if (connection.onProbation) response.shouldKeepAlive = false;
      connections.began(connection);
      response.once('close', () => connections.ended(connection));
    });
    server.on('upgrade', ({ socket }: IncomingMessage) => {
      const connection = this.#bySocket.get(socket);
      if (connection !== undefined) connections.began(connection);
    });
    const sweeping = setInterval(() => connections.sweep(), sweepMs);
    sweeping.unref();
    server.once('close', () => clearInterval(sweeping));
  }

  /** The request has a known token, so its connection may stay. */
  prove({ socket, httpVersion, headers }: IncomingMessage, response: ServerResponse): void {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined) return;
    if (connection.onProbation) response.shouldKeepAlive = httpVersion === '1.1' && headers.connection !== 'close';
    this.#connections.prove(connection);
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
