import type { IncomingHttpHeaders } from 'node:http';
import { ProtocolError } from '@ojs-ts/core';
import { operationNames, operations, routesOf } from '@ojs-ts/core/operations';
import type { RequestRate } from '@ojs-ts/core/options';
import { type Asked, requestIdOf, singles } from '@ojs-ts/core/requests';
import { pagesFolder } from '@ojs-ts/dashboard';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { auditRefusal } from '../binding/audit.ts';
import type { Binding } from '../binding/binding.ts';
import type { BindingRequest } from '../binding/handler.ts';
import { faultOf, refusal } from '../binding/reply.ts';
import { requireExtensions, reset } from '../binding/system.ts';
import { OpenStreams } from '../realtime/http/open-streams.ts';
import type { RealtimeOptions } from '../realtime/http/options.ts';
import { addRealtime } from '../realtime/http/routes.ts';
import { asksForWebSocket } from '../realtime/http/upgrade.ts';
import { addAccessLog } from './access-log.ts';
import { Authorization } from './auth.ts';
import { Connections, type Warn } from './connections.ts';
import { identify } from './credentials.ts';
import { addDocs, type DocsPackage, docsLinks } from './dashboard/docs.ts';
import { addPages } from './dashboard/pages.ts';
import { addSessionRoutes } from './dashboard/session-routes.ts';
import { Sessions } from './dashboard/sessions.ts';
import { answer, deliver } from './delivery.ts';
import { Logins } from './logins.ts';
import { acceptBodies } from './media.ts';
import { routeHint, type ServedRoute } from './nearest-route.ts';
import { observe } from './observation.ts';
import { allowOrigin, checkOrigin, type Guard } from './origins.ts';
import { addressOf, isProxy, proxyList } from './proxies.ts';
import { mediaTypeFor, quirkOf } from './quirks.ts';
import { clientOf, RateLimiter, rateHeaders, rateLimited } from './rate-limit.ts';
import { httpFault, refuseConnection, refuseExpectation } from './refusals.ts';
import { RequestBodies } from './request-bodies.ts';
import { Sockets } from './sockets.ts';
import type { Token } from './tokens.ts';

export interface HttpOptions extends Guard {
  readonly tokens: readonly Token[];
  /** Certificate and key in PEM. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  readonly maxConnections: number;
  /** Connections of one address that have proven no token. */
  readonly maxConnectionsPerAddress: number;
  /** Whose `X-Forwarded-For` names the client. */
  readonly proxies: readonly string[];
  /** Failed logins of one address before its further ones are slowed. */
  readonly failedLogins: RequestRate;
  /** How long a client may take to send its headers, and its whole request, in milliseconds. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Sends single clients the answers that they need instead of the specified ones (docs/internals/deviations.md). */
  readonly quirks: boolean;
  /**
   * How many requests each token, or else each address, may send; null for no limit. Manifest and health do not count.
   */
  readonly requestRate: RequestRate | null;
  readonly realtime: RealtimeOptions;
  /** True if the pages at `/dashboard/` and `/playground` are served. */
  readonly dashboard: boolean;
  /** The folder of the built dashboard; that of `@ojs-ts/dashboard` unless a test has its own. */
  readonly pages?: URL;
  /** The address that errors and findings link to, with its slash. Null: that of `docs`, else the repository. */
  readonly docsUrl?: string | null;
  /** The documentation at `/docs/`; null where it is not installed. */
  readonly docs?: DocsPackage | null;
  readonly warn?: Warn;
  /** Receives a line for every answered request. */
  readonly access?: Warn;
  /** Receives errors of the server, beside the binding's. */
  readonly failed?: (error: unknown, what: string, requestId: string) => void;
}

/** How often connections are checked for these times, in milliseconds; a request may be late by as much. */
const checkMs = 500;

function noSchema(): never {
  throw new Error('routes of this server have no schema');
}

/** The HTTP binding on Fastify: one route for each operation of core's table, and the checks of every request. */
export function httpApp(binding: Binding, options: HttpOptions): FastifyInstance {
  // `checkOrigin` refuses a request without Host, with a clearer message.
  const server = {
    headersTimeout: options.headersTimeoutMs,
    connectionsCheckingInterval: checkMs,
    requireHostHeader: false,
    // Clients that offer an upgrade to HTTP/2 get an ordinary answer.
    shouldUpgradeCallback: asksForWebSocket,
  };
  const proxies = proxyList(options.proxies);
  const { docsUrl = null, docs = null } = options;
  const links = docsLinks(docsUrl, docs);
  const asked = (request: FastifyRequest): Asked => ({ requestId: request.id, ...links(request) });
  const app = Fastify({
    genReqId: ({ headers }) => requestIdOf(headers['x-request-id']),
    requestTimeout: options.requestTimeoutMs,
    trustProxy: proxies !== null && ((address: string) => isProxy(proxies, address)),
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Longer than a request line can be: an id that is too long is an unknown id.
    routerOptions: { maxParamLength: 65_536 },
    // No route has a schema. Without these Fastify loads a compiler of schemas: 130 modules.
    schemaController: { compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema } },
    frameworkErrors: (error, request, reply) => {
      begin(request, reply, options.quirks);
      answer(reply, refusal(httpFault(error), asked(request)));
    },
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => refuseConnection(links(null), options, error, socket),
    ...(options.tls ? { https: { ...server, ...options.tls } } : { http: server }),
  });
  app.server.on('checkExpectation', (_, response) => refuseExpectation(links(null), response));
  acceptBodies(app, binding.engine.memory.values);
  app.decorateRequest('credential', null);
  app.decorateRequest('holder', null);
  if (options.access !== undefined) addAccessLog(app, options.access);
  observe(app, binding.engine.telemetry);
  const { engine } = binding;
  const authorization = new Authorization(options.tokens, engine.tokens, engine.clock);
  const sessions = options.dashboard ? new Sessions(engine.deriveKey, engine.clock) : null;
  const warn = options.warn ?? (() => {});
  const sockets = new Sockets(
    app,
    new Connections(
      {
        all: options.maxConnections,
        perAddress: options.maxConnectionsPerAddress,
        proxies,
        hasTokens: () => authorization.isOn,
      },
      warn,
    ),
  );
  const logins = new Logins({
    authorization,
    rate: options.failedLogins,
    warn,
    // Never rejects.
    audit: (entry) => void binding.engine.audit.record(entry),
  });
  const limit = requestLimit(options.requestRate);
  const bodies = new RequestBodies(
    binding.engine,
    () => options.tokens.length > 1 || binding.engine.tokens.exist,
    warn,
  );
  const polls = new OpenStreams(authorization);
  let closing = false;

  // Long polls answer only when their connections will close with the answer, or they would delay the end.
  app.addHook('preClose', async () => {
    closing = true;
    binding.engine.drain();
  });
  app.addHook('onRequest', async (request, reply) => {
    begin(request, reply, options.quirks);
    limit(request, reply, 'show');
    // The origin is checked before the token, so that a foreign page cannot make logins of its visitors fail.
    checkOrigin(request, options);
    if (allowOrigin(request, reply, options)) return reply.code(204).removeHeader('content-type').send();
    if (authorization.isOn && isGuarded(request)) {
      await identify(request, reply, { logins, sessions });
      if (request.holder !== null) sockets.prove(request.raw, reply.raw);
    }
    limit(request, reply, 'count');
    checkVersion(request.headers['ojs-version']);
    refuseTenant(request.headers);
    const required = request.headers['ojs-requires-extension'];
    if (required !== undefined) requireExtensions(engine, String(required));
  });
  app.setErrorHandler((error, request, reply) => {
    // The framework has removed the media type.
    begin(request, reply, options.quirks);
    return answer(reply, refusal(httpFault(error), asked(request)));
  });
  app.setNotFoundHandler((request, reply) => {
    const { method } = request;
    const path = request.url.split('?', 1)[0]?.slice(0, 200) ?? '';
    // The details let a client distinguish a missing route from a missing job.
    const fault = new ProtocolError(
      'not_found',
      `There is no route ${method} ${path}.`,
      { method, path },
      routeHint(method, path, routes),
    );
    answer(reply, refusal(fault, asked(request)));
  });
  const routes: ServedRoute[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    // Below a wildcard everything exists, so nothing is misspelled.
    if (!url.includes('*')) for (const one of [method].flat()) routes.push({ method: one, path: url });
  });

  for (const name of operationNames) {
    for (const { method, path } of routesOf(name)) {
      app.route({
        method,
        url: path,
        onRequest: async (request, reply) => {
          try {
            authorization.checkCall(request, name);
          } catch (error) {
            await auditRefusal(
              binding.engine,
              name,
              bindingRequest(request, options.quirks, asked(request)),
              faultOf(error),
            );
            throw error;
          }
          if (bodies.counts(request.raw))
            await bodies.admit(name, request.raw, reply.raw, request.holder?.name ?? null);
        },
        handler: async (request, reply) => {
          // A balancer that asks on an open connection.
          if (closing && name === 'system.health')
            throw new ProtocolError('backend_unavailable', 'This server is stopping.');
          const gone = operations[name].waits ? goneSignal(reply) : undefined;
          if (gone !== undefined && request.holder !== null && request.holder.stored !== null)
            cutWithToken(polls, request, reply);
          const call = () => binding.call(name, bindingRequest(request, options.quirks, asked(request), gone));
          const answered = await (request.span === null ? call() : request.span.run(call));
          if (closing) reply.header('connection', 'close');
          if (isStrict(request)) reply.header('preference-applied', 'handling=strict');
          deliver(reply, answered, warn);
          return reply;
        },
      });
    }
  }
  addRealtime(app, { binding, authorization, options: options.realtime, warn, failed: options.failed ?? (() => {}) });
  addDocs(app, docs, authorization);
  if (sessions !== null) {
    addPages(app, options.pages ?? pagesFolder);
    addSessionRoutes(app, { binding, authorization, logins, sessions, links });
  }
  if (binding.about.testMode) {
    app.post('/ojs/v1/admin/reset', async (request, reply) => {
      authorization.check(request, 'purge');
      return answer(reply, await reset(binding.engine));
    });
  }
  return app;
}

const openPaths: ReadonlySet<string> = new Set(
  operationNames.flatMap((name) => (operations[name].right === 'open' ? routesOf(name).map(({ path }) => path) : [])),
);

/** Reports whether the request needs a token: an open route, an open page and an unknown path need none. */
function isGuarded({ routeOptions: { url, config } }: FastifyRequest): boolean {
  return url !== undefined && !openPaths.has(url) && config.page !== 'open';
}

/**
 * Adds the headers of the request rate to the answer, and with `count` counts one request. Answers to foreign pages
 * have the headers too, but such requests must not use up the limit of the page's visitor. Throws `rate_limited`.
 */
function requestLimit(rate: RequestRate | null) {
  const limiter = rate === null ? null : new RateLimiter(rate);
  return (request: FastifyRequest, reply: FastifyReply, what: 'show' | 'count'): void => {
    if (limiter === null || rate === null) return;
    const client = request.holder?.name ?? clientOf(addressOf(request));
    const { url = '', config } = request.routeOptions;
    const counts = what === 'count' && !openPaths.has(url) && config.page === undefined;
    const allowance = counts ? limiter.take(client) : limiter.peek(client);
    reply.headers(rateHeaders(allowance, rate));
    if (counts && !allowance.allowed) throw rateLimited(allowance, rate);
  };
}

function begin(request: FastifyRequest, reply: FastifyReply, quirks: boolean): void {
  reply
    .header('ojs-version', '1.0')
    .header('x-request-id', request.id)
    .header('content-type', mediaTypeFor(request.headers['user-agent'], quirks));
}

const noQuery = {};

function bindingRequest(request: FastifyRequest, quirks: boolean, asked: Asked, signal?: AbortSignal): BindingRequest {
  const { accept, 'idempotency-key': key, 'if-none-match': ifNoneMatch } = request.headers;
  const quirk = quirkOf(request.headers, quirks);
  return {
    params: request.params as Readonly<Record<string, string>>,
    query: request.url.includes('?') ? singles(request.query) : noQuery,
    body: request.body as string | undefined,
    ...asked,
    // Only where proxies are trusted the client may be another than the peer.
    address: request.ips === undefined ? request.ip : addressOf(request),
    key: typeof key === 'string' && key !== '' ? key : null,
    ...(request.holder !== null && { owner: request.holder.name, grant: request.holder.grant }),
    ...(accept !== undefined && { accept }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    ...(isStrict(request) && { strict: true }),
    ...(quirk !== null && { quirk }),
    ...(signal && { signal }),
  };
}

/** The token of a long poll may be revoked while the poll waits. */
function cutWithToken(polls: OpenStreams, { holder }: FastifyRequest, { raw }: FastifyReply): void {
  const poll = { shutDown: async () => {}, destroy: () => raw.destroy() };
  polls.add(poll, holder);
  raw.once('close', () => polls.delete(poll));
}

function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** `Prefer: handling=strict` (RFC 7240 §4.4), also among other preferences. */
function isStrict({ headers: { prefer } }: FastifyRequest): boolean {
  return prefer !== undefined && /(?:^|,)\s*handling\s*=\s*"?strict"?\s*(?:[;,]|$)/i.test(String(prefer));
}

/** ojs-multi-tenancy: a caller that names a tenant must not see the jobs of all. */
function refuseTenant(headers: IncomingHttpHeaders): void {
  for (const name of ['x-ojs-tenant', 'x-ojs-tenant-id']) {
    if (headers[name] === undefined) continue;
    const message =
      `${name}: this server has no tenants, and would show the jobs of all. ` +
      'Leave the header out, or run a server for each tenant.';
    throw new ProtocolError('unsupported', message, { feature: 'multi-tenancy', header: name });
  }
}

/** Any 1.x is this version: the published Go SDK sends 1.0.0-rc.1. */
function checkVersion(version: string | string[] | undefined): void {
  if (version === undefined || (typeof version === 'string' && /^1(\.|$)/.test(version))) return;
  throw new ProtocolError(
    'unsupported',
    `OJS-Version: expected 1.0, got ${String(version).slice(0, 100)}. Leave the header out to take this version.`,
    { supported_versions: ['1.0'] },
  );
}
