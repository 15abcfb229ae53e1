import type { NamesOf } from '@ojs-ts/core';
import { contextAppNames, OjsApp, type OjsAppOptions, statusOf } from '../framework/app.ts';
import { metaOf, nodeHeader, type RequestContext } from '../framework/context.ts';
import type { Scope } from '../framework/scope.ts';
import { checkNames } from '../options/check-names.ts';

export type { HealthReport, OjsApp } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Client, worker and deferred jobs of the application. Present once {@link fastifyOjs} is registered. */
    ojs: OjsApp;
  }
}

/** The members of a Fastify 4 or 5 request that the SDK uses. */
export interface FastifyRequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly id: string;
}

/** The members of Fastify's reply that the SDK uses. */
export interface FastifyReplyLike {
  readonly statusCode: number;
  code(status: number): unknown;
}

type Hook = (request: FastifyRequestLike, reply: FastifyReplyLike, done: () => void) => void;

/** The members of a Fastify instance that the SDK uses. */
export interface FastifyLike {
  decorate(name: 'ojs', value: unknown): unknown;
  addHook(name: 'onRequest' | 'preValidation' | 'onResponse', hook: Hook): unknown;
  addHook(name: 'onReady' | 'onClose', hook: () => Promise<void>): unknown;
  get(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>): unknown;
}

/** Options of {@link fastifyOjs}. */
export interface FastifyOptions extends OjsAppOptions {
  /**
   * Adds to the meta of the request's jobs, for example the user id. Called after the `onRequest` hooks and before
   * validation.
   */
  context?: ((request: FastifyRequestLike) => RequestContext) | undefined;
  /** The path of the health route. Default: no health route. */
  health?: string | undefined;
}

const names: NamesOf<FastifyOptions> = { ...contextAppNames, health: true };
/** Fastify reads these options of `register` itself, and passes them on. */
const ofFastify = { prefix: true, logLevel: true, logSerializers: true } as const;

/**
 * A Fastify plugin: after `await app.register(fastifyOjs, { … })`, `app.ojs` is the OJS helper (ojs-framework-adapters
 * §5). It starts the worker when the application is ready, and closes with the application. Without an X-Request-ID
 * header, Fastify's request id is used.
 */
async function plugin(fastify: FastifyLike, options: FastifyOptions): Promise<void> {
  checkNames(options, { ...names, ...ofFastify });
  const { context, health, ...rest } = options;
  const ojs = new OjsApp(Object.fromEntries(Object.entries(rest).filter(([name]) => !Object.hasOwn(ofFastify, name))));
  const scopes = new WeakMap<FastifyRequestLike, Scope>();
  fastify.decorate('ojs', ojs);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const scope = ojs.open({});
    scopes.set(request, scope);
    ojs.within(scope, done);
  });
  // Entered here because the events that deliver a request body leave the scope.
  fastify.addHook('preValidation', (request, _reply, done) => {
    const scope = scopes.get(request);
    if (scope === undefined) return done();
    const given = context?.(request);
    Object.assign(
      scope.meta,
      metaOf(nodeHeader(request.headers), {
        requestId: nodeHeader(request.headers)('x-request-id') ?? request.id,
        ...given,
      }),
    );
    ojs.within(scope, done);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const scope = scopes.get(request);
    if (scope !== undefined) void ojs.settle(scope, reply.statusCode < 400);
    done();
  });
  fastify.addHook('onReady', async () => ojs.start());
  fastify.addHook('onClose', () => ojs.close());
  if (health !== undefined) {
    fastify.get(health, async (_request, reply) => {
      const report = await ojs.health();
      reply.code(statusOf(report));
      return report;
    });
  }
}

/** Applies to the whole application, not only to its own encapsulated context: as `fastify-plugin` does. */
export const fastifyOjs = Object.assign(plugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@ojs-ts/sdk/fastify',
});
