import { OjsFault, type OperationName, operationNames, operations, uuidv7 } from '@ojs-ts/core';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Binding } from '../binding/binding.ts';
import { type Reply, refusal } from '../binding/reply.ts';
import type { BindingRequest } from '../binding/request.ts';
import { reset } from '../binding/system.ts';
import { Authorization, type Token } from './auth.ts';
import { acceptBodies } from './body.ts';
import { allowOrigin } from './cors.ts';
import { bodyLimit, contentType, httpFault, refuseConnection, refuseExpectation } from './faults.ts';
import { checkOrigin, type Guard } from './guard.ts';

export interface HttpOptions extends Guard {
  readonly tokens: readonly Token[];
  /** Certificate and key in PEM. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  readonly maxConnections: number;
  /** Time in which a client must have sent its headers, and its whole request, in milliseconds. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** How often connections are looked at for these times; a request is late by at most as much. */
const checkMs = 500;

export const httpDefaults = { maxConnections: 10_000, headersTimeoutMs: 10_000, requestTimeoutMs: 30_000 };

/** Operations that may be held open, and whose caller may leave meanwhile. */
const waiting: ReadonlySet<OperationName> = new Set(['worker.fetch', 'worker.exchange']);

/** The HTTP binding on Fastify: one route an operation of core's table, and what every request has to pass first. */
export function httpApp(binding: Binding, options: HttpOptions): FastifyInstance {
  // A request without Host is refused by `checkOrigin`, in our words.
  const server = { headersTimeout: options.headersTimeoutMs, connectionsCheckingInterval: checkMs, requireHostHeader: false };
  const app = Fastify({
    bodyLimit,
    genReqId: requestIdOf,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Longer than a request line can be: an id that is too long is an id that nobody has.
    routerOptions: { maxParamLength: 65_536 },
    frameworkErrors: (error, request, reply) => {
      begin(request, reply);
      answer(reply, refusal(httpFault(error), request.id));
    },
    exposeHeadRoutes: false,
    clientErrorHandler: refuseConnection,
    ...(options.tls ? { https: { ...server, ...options.tls } } : { http: server }),
  });
  app.server.on('checkExpectation', refuseExpectation);
  app.server.maxConnections = options.maxConnections;
  acceptBodies(app);
  const authorization = new Authorization(options.tokens);
  let closing = false;

  // Long polls answer only when their connections will close with the answer, or they would hold up the end.
  app.addHook('preClose', async () => {
    closing = true;
    binding.engine.drain();
  });
  app.addHook('onRequest', async (request, reply) => {
    begin(request, reply);
    checkOrigin(request, options);
    if (allowOrigin(request, reply, options)) return reply.code(204).removeHeader('content-type').send();
    checkVersion(request.headers['ojs-version']);
  });
  app.setErrorHandler((error, request, reply) => answer(reply, refusal(httpFault(error), request.id)));
  app.setNotFoundHandler((request, reply) => {
    answer(
      reply,
      refusal(new OjsFault('not_found', `There is no ${request.method} ${request.url.split('?', 1)[0]?.slice(0, 200)} here.`), request.id),
    );
  });

  for (const name of operationNames) {
    const { method, path, scopes } = operations[name];
    app.route({
      method,
      url: path,
      onRequest: async (request) => authorization.check(request.headers.authorization, scopes),
      handler: async (request, reply) => {
        const gone = waiting.has(name) ? goneSignal(reply) : undefined;
        const answered = await binding.call(name, bindingRequest(request, gone));
        if (closing) reply.header('connection', 'close');
        deliver(reply, answered);
        return reply;
      },
    });
  }
  if (binding.about.testMode) {
    app.post('/ojs/v1/admin/reset', async (request, reply) => {
      authorization.check(request.headers.authorization, ['admin']);
      return answer(reply, await reset(binding.engine));
    });
  }
  return app;
}

function begin(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('ojs-version', '1.0').header('x-request-id', request.id).header('content-type', contentType);
}

function bindingRequest(request: FastifyRequest, signal?: AbortSignal): BindingRequest {
  const key = request.headers['idempotency-key'];
  return {
    params: request.params as Readonly<Record<string, string>>,
    query: singles(request.query as Readonly<Record<string, string | readonly string[]>>),
    body: request.body as string | undefined,
    requestId: request.id,
    key: typeof key === 'string' && key !== '' ? key : null,
    ...(signal && { signal }),
  };
}

/** Of a parameter given twice the last counts, as in JSON. */
function singles(query: Readonly<Record<string, string | readonly string[]>>): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, typeof value === 'string' ? value : value.at(-1)]));
}

function answer(reply: FastifyReply, { status, text, headers }: Reply): FastifyReply {
  if (headers) reply.headers(headers);
  // With a serializer of its own a reply keeps the media type as it is: clients compare it byte for byte (digest §3).
  return reply.code(status).header('content-type', contentType).serializer(asIs).send(text);
}

function asIs(text: unknown): string {
  return String(text);
}

/** Sends an answer and takes its effect back when the caller was gone before it was written. */
function deliver(reply: FastifyReply, answered: Reply): void {
  const { undelivered } = answered;
  if (undelivered) {
    const { raw } = reply;
    const undo = () => {
      if (!raw.writableFinished) void undelivered();
    };
    if (raw.destroyed) undo();
    else raw.once('close', undo);
  }
  answer(reply, answered);
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** The client's own id where it is harmless to echo. */
function requestIdOf(request: { readonly headers: Readonly<Record<string, string | string[] | undefined>> }): string {
  const sent = request.headers['x-request-id'];
  return typeof sent === 'string' && /^[\x21-\x7e]{1,128}$/.test(sent) ? sent : `req_${uuidv7()}`;
}

/** Any 1.x is this version (interop: Go sends 1.0.0-rc.1). */
function checkVersion(version: string | string[] | undefined): void {
  if (version === undefined || (typeof version === 'string' && /^1(\.|$)/.test(version))) return;
  throw new OjsFault('unsupported', 'This server speaks OJS-Version 1.0.', { supported_versions: ['1.0'] });
}
