import type { NamesOf } from '@ojs-ts/core';
import { contextAppNames, OjsApp, type OjsAppOptions } from '../framework/app.ts';
import { metaOf, nodeHeader, type RequestContext } from '../framework/context.ts';
import { statusOf } from '../framework/health.ts';
import type { Scope } from '../framework/scope.ts';
import { known } from '../options/known.ts';

export type { HealthReport, OjsApp } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Client, worker and deferred jobs of the application; there once {@link fastifyOjs} is registered. */
    ojs: OjsApp;
  }
}

/** What is used of Fastify 4 and 5. */
export interface FastifyRequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly id: string;
}

/** What is used of Fastify's reply. */
export interface FastifyReplyLike {
  readonly statusCode: number;
  code(status: number): unknown;
}

type Hook = (request: FastifyRequestLike, reply: FastifyReplyLike, done: () => void) => void;

/** What is used of Fastify's instance. */
export interface FastifyLike {
  decorate(name: 'ojs', value: unknown): unknown;
  addHook(name: 'onRequest' | 'preValidation' | 'onResponse', hook: Hook): unknown;
  addHook(name: 'onReady' | 'onClose', hook: () => Promise<void>): unknown;
  get(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>): unknown;
}

/** Client and worker of the application, the context of its requests, and the health route. */
export interface FastifyOptions extends OjsAppOptions {
  /**
   * More of the request for the meta of its jobs, such as who is signed in. Asked before validation, after the hooks of
   * `onRequest`.
   */
  context?: ((request: FastifyRequestLike) => RequestContext) | undefined;
  /** Where the health route stands; default: nowhere. */
  health?: string | undefined;
}

const names: NamesOf<FastifyOptions> = { ...contextAppNames, health: true };
/** Fastify reads these of what `register` is given, and hands them on. */
const ofFastify = { prefix: true, logLevel: true, logSerializers: true } as const;

/**
 * `await app.register(fastifyOjs, { … })`: then `app.ojs` is there. Starts the worker when the application is ready,
 * and closes with it. The request id is that of Fastify where there is no header for it.
 */
async function plugin(fastify: FastifyLike, options: FastifyOptions): Promise<void> {
  known(options, { ...names, ...ofFastify });
  const { context, health, ...rest } = options;
  const ojs = new OjsApp(Object.fromEntries(Object.entries(rest).filter(([name]) => !Object.hasOwn(ofFastify, name))));
  const scopes = new WeakMap<FastifyRequestLike, Scope>();
  fastify.decorate('ojs', ojs);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const scope = ojs.open({});
    scopes.set(request, scope);
    ojs.within(scope, done);
  });
  // A body is read by events of its own, which have left the scope.
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

/** For the whole application, not only for what is registered inside: what `fastify-plugin` does. */
export const fastifyOjs = Object.assign(plugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@ojs-ts/sdk/fastify',
});
