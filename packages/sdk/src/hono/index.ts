import type { NamesOf } from '@ojs-ts/core';
import { contextAppNames, OjsApp, type OjsAppOptions } from '../framework/app.ts';
import { metaOf, type RequestContext } from '../framework/context.ts';
import { statusOf } from '../framework/health.ts';
import type { JobTypes } from '../job/definition.ts';
import { known } from '../options/known.ts';

export type { HealthReport, OjsApp } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

/** What is used of Hono's context. */
export interface HonoContext {
  readonly req: { header(name: string): string | undefined };
  readonly res: { readonly status: number };
  readonly error: Error | undefined;
  readonly executionCtx: { waitUntil(promise: Promise<unknown>): void };
}

/** Client and worker of the application, and the context of its requests. */
export interface HonoOptions<R = JobTypes, C extends HonoContext = HonoContext> extends OjsAppOptions<R> {
  /** More of the request for the meta of its jobs, such as who is signed in. */
  context?: ((c: C) => RequestContext) | undefined;
}

const names: NamesOf<HonoOptions> = contextAppNames;

/**
 * The client of a Hono application, and its requests' context. Needs `AsyncLocalStorage`: on Cloudflare Workers the
 * flag `nodejs_compat`.
 */
export class HonoOjs<R = JobTypes, C extends HonoContext = HonoContext> extends OjsApp<R> {
  readonly #context: HonoOptions<R, C>['context'];

  constructor(options: HonoOptions<R, C> = {}) {
    known(options, names);
    const { context, ...rest } = options;
    super(rest);
    this.#context = context;
  }

  /** `app.use(ojs.middleware)`. */
  readonly middleware = async (c: C, next: () => Promise<void>): Promise<void> => {
    const scope = this.open(metaOf((name) => c.req.header(name), this.#context?.(c)));
    await this.within(scope, next);
    const flushed = this.settle(scope, c.error === undefined && c.res.status < 400);
    try {
      c.executionCtx.waitUntil(flushed);
    } catch {
      // Only edge platforms have one; elsewhere the process lives on, and close() waits for what is sent.
    }
  };

  /** `app.get('/health', ojs.healthRoute)`: 200, or 503. */
  readonly healthRoute = async (): Promise<Response> => {
    const report = await this.health();
    return Response.json(report, { status: statusOf(report) });
  };
}

/**
 * The OJS of a Hono application: client, middleware, health route, end. @throws {OJSValidationError} for options that
 * cannot be used.
 */
export function honoOjs<R = JobTypes, C extends HonoContext = HonoContext>(options?: HonoOptions<R, C>): HonoOjs<R, C> {
  return new HonoOjs(options);
}
