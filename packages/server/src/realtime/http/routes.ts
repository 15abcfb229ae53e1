import { ProtocolError } from '@ojs-ts/core';
import { singles } from '@ojs-ts/core/requests';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { QueueAccess } from '../../binding/access.ts';
import { auditStreamRefusal } from '../../binding/audit.ts';
import { checkStreamQuery, streamParameters } from '../../binding/query-parameters.ts';
import { faultOf } from '../../binding/reply.ts';
import { addressOf } from '../../http/proxies.ts';
import { clientOf } from '../../http/rate-limit.ts';
import { type Channel, jobChannel, queueChannel, readChannel } from '../streams/channel.ts';
import type { Connection } from '../streams/connection.ts';
import { filterOf, Realtime } from '../streams/realtime.ts';
import { Session } from '../streams/session.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { type OpenStream, OpenStreams } from './open-streams.ts';
import type { RealtimeParts } from './parts.ts';
import { SlowReaders } from './slow-readers.ts';
import { Socket } from './socket.ts';
import { addStateStreams } from './state-streams.ts';
import { EventStream } from './stream.ts';
import { callerOf, streamAudit, urlOf } from './stream-audit.ts';
import { Upgrades } from './upgrade.ts';

type Params = Readonly<Record<string, string>>;

/** The streams and the WebSocket of ojs-realtime, behind the server's own hooks. */
export function addRealtime(app: FastifyInstance, parts: RealtimeParts): void {
  const { binding, authorization, options, failed } = parts;
  const { engine, about } = binding;
  const realtime = new Realtime(engine, about.source, options);
  const connections = new ConnectionLimit(options.connectionsPerClient, options.connections);
  const upgrades = new Upgrades(app);
  const openStreams = new OpenStreams(authorization, engine.telemetry.openStreams);
  const slowReaders = new SlowReaders(engine.memory.streams, parts.warn);
  /** The WebSockets of each client. */
  const sockets = new Map<string, Set<Connection>>();
  let closing = false;

  app.addHook('preClose', async () => {
    closing = true;
    openStreams.shutDown();
    if (openStreams.size === 0) return;
    const cut = setTimeout(() => openStreams.destroy(), options.shutdownMs);
    app.server.once('close', () => clearTimeout(cut));
  });

  /** @throws ProtocolError if no more connections are allowed. */
  function enter(request: FastifyRequest, reply: FastifyReply): () => void {
    if (closing) throw new ProtocolError('backend_unavailable', 'This server is stopping.');
    try {
      return connections.enter(clientNameOf(request));
    } catch (error) {
      if (error instanceof ProtocolError) reply.headers(limitHeaders(error.details));
      throw error;
    }
  }

  async function stream(
    request: FastifyRequest,
    reply: FastifyReply,
    channel: Channel,
    parameters: readonly string[],
  ): Promise<FastifyReply> {
    const { raw } = reply;
    const query = singles(request.query);
    checkStreamQuery(parameters, query);
    await QueueAccess.of(engine, request.holder?.grant)?.channel(channel, filterOf(query));
    engine.subscriptions.requireLog();
    const leave = enter(request, reply);
    raw.once('close', leave);
    const sink = new EventStream(raw, options.heartbeatMs, slowReaders);
    const connection = await realtime.connect(sink, request.holder?.grant);
    raw.once('close', () => connection.close());
    try {
      const more = await connection.openStream(channel, filterOf(query), cursorOf(request));
      if (!more) {
        // The only answer after which an EventSource does not reconnect.
        leave();
        return reply.code(204).removeHeader('content-type').send();
      }
    } catch (error) {
      leave();
      connection.close();
      throw error;
    }
    reply.hijack();
    const opened: OpenStream = {
      shutDown: () => connection.shutDown('shutdown', options.shutdownMs),
      destroy: () => sink.destroy(),
    };
    openStreams.add(opened, request.holder);
    raw.once('close', () => openStreams.delete(opened));
    // The connection ends with its stream, so that it does not delay the end of the server.
    sink.open({ ...reply.getHeaders(), connection: 'close' }, connection.lastId);
    if (raw.destroyed) connection.close();
    if (closing) void opened.shutDown();
    connection.run().catch((error: unknown) => {
      failed(error, 'stream', request.id);
      sink.destroy();
    });
    return reply;
  }

  const audited = streamAudit(engine);

  function route(
    url: string,
    channelOf: (request: FastifyRequest) => Channel,
    parameters: readonly string[] = streamParameters.events,
  ): void {
    app.get(url, {
      config: { stream: true },
      onRequest: async (request) => audited(request, () => authorization.check(request, 'inspect')),
      handler: async (request, reply) => {
        try {
          return await audited(request, () => stream(request, reply, channelOf(request), parameters));
        } catch (error) {
          if (faultOf(error).kind.status >= 500) failed(error, 'stream', request.id);
          throw error;
        }
      },
    });
  }

  route('/ojs/v1/jobs/:id/events', ({ params }) => jobChannel((params as Params).id ?? ''));
  route('/ojs/v1/queues/:name/events', ({ params }) => queueChannel((params as Params).name ?? ''));
  route('/ojs/v1/events/stream', ({ query }) => readChannel(singles(query).channel ?? 'all'), streamParameters.channel);
  addStateStreams(app, parts, { enter, openStreams, slowReaders, isClosing: () => closing, cursorOf });

  app.get('/ojs/v1/ws', {
    config: { stream: true },
    onRequest: async (request) => audited(request, () => authorization.check(request, 'inspect')),
    handler: async (request, reply) => {
      if (!upgrades.isPending(request.raw)) {
        throw new ProtocolError(
          'invalid_request',
          'Expected the header Upgrade: websocket. Behind a proxy, pass on Upgrade and Connection.',
        );
      }
      engine.subscriptions.requireLog();
      const leave = enter(request, reply);
      request.raw.socket.once('close', leave);
      reply.hijack();
      upgrades.accept(request.raw, (webSocket) => {
        const socket = new Socket(webSocket, options, slowReaders);
        const connecting = realtime.connect(socket, request.holder?.grant).then((connection) => {
          const client = clientNameOf(request);
          const own = sockets.get(client) ?? new Set<Connection>();
          sockets.set(client, own.add(connection));
          const session = new Session({
            engine,
            access: QueueAccess.of(engine, request.holder?.grant),
            connection,
            ofClient: () => [...own].reduce((sum, { subscriptions }) => sum + subscriptions, 0),
            source: about.source,
            send: (text) => socket.send(text),
            failed: (error) => failed(error, 'websocket', request.id),
            refused: (error) => auditStreamRefusal(engine, callerOf(request), urlOf(request), error),
          });
          const opened: OpenStream = {
            shutDown: () => connection.shutDown('shutdown', options.shutdownMs),
            destroy: () => socket.destroy(),
          };
          openStreams.add(opened, request.holder);
          webSocket.once('close', () => {
            openStreams.delete(opened);
            connection.close();
            own.delete(connection);
            if (own.size === 0 && sockets.get(client) === own) sockets.delete(client);
          });
          if (closing) void opened.shutDown();
          connection.run().catch((error: unknown) => {
            failed(error, 'websocket', request.id);
            socket.destroy();
          });
          return session;
        });
        connecting.catch((error: unknown) => {
          failed(error, 'websocket', request.id);
          socket.destroy();
        });
        socket.receive(
          async (text) => (await connecting).receive(text),
          (error) => failed(error, 'websocket', request.id),
        );
      });
      return reply;
    },
  });
}

/** `Last-Event-ID`, or the query parameter of clients that set no header. */
function cursorOf({ headers, query }: FastifyRequest): string | null {
  const { 'last-event-id': header } = headers;
  const { last_event_id, lastEventId } = singles(query);
  const text = typeof header === 'string' ? header : (last_event_id ?? lastEventId);
  return text === undefined || text === '' ? null : text;
}

/** The headers of every 429 (ojs-http-binding §18.1); the time is that of the next try. */
function limitHeaders({ limit, retry_after: seconds }: ProtocolError['details']): Readonly<Record<string, string>> {
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': String(Math.ceil(Date.now() / 1_000) + Number(seconds)),
  };
}

/** Whose connections count together. */
function clientNameOf(request: FastifyRequest): string {
  return request.holder?.name ?? clientOf(addressOf(request));
}
