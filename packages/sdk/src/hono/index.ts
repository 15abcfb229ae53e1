import type { NamesOf } from '@ojs-ts/core';
import { contextAppNames, OjsApp, type OjsAppOptions, statusOf } from '../framework/app.ts';
import { metaOf, type RequestContext } from '../framework/context.ts';
import type { JobTypes } from '../job/definition.ts';
import { checkNames } from '../options/check-names.ts';

export type { HealthReport, OjsApp } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

/** The members of Hono's context that the SDK uses. */
export interface HonoContext {
  readonly req: { header(name: string): string | undefined };
  readonly res: { readonly status: number };
  readonly error: Error | undefined;
  readonly executionCtx: { waitUntil(promise: Promise<unknown>): void };
}

/** Options of {@link honoOjs}. */
export interface HonoOptions<R = JobTypes, C extends HonoContext = HonoContext> extends OjsAppOptions<R> {
  /** Adds to the meta of the request's jobs, for example the user id. */
  context?: ((c: C) => RequestContext) | undefined;
}

const names: NamesOf<HonoOptions> = contextAppNames;

/**
 * The client of a Hono application, and the context of its requests. It needs `AsyncLocalStorage`: set the flag
 * `nodejs_compat` on Cloudflare Workers.
 */
export class HonoOjs<R = JobTypes, C extends HonoContext = HonoContext> extends OjsApp<R> {
  readonly #context: HonoOptions<R, C>['context'];

  constructor(options: HonoOptions<R, C> = {}) {
    checkNames(options, names);
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
      // Only edge platforms have an execution context. Elsewhere close() waits for pending sends.
    }
  };

  /** `app.get('/health', ojs.healthRoute)`: answers 200, or 503 if server or worker is not healthy. */
  readonly healthRoute = async (): Promise<Response> => {
    const report = await this.health();
    return Response.json(report, { status: statusOf(report) });
  };
}

/**
 * Creates the OJS helper of a Hono application: client, middleware and health route (ojs-framework-adapters §5).
 * @throws {OJSValidationError} for a wrong or unknown option.
 */
export function honoOjs<R = JobTypes, C extends HonoContext = HonoContext>(options?: HonoOptions<R, C>): HonoOjs<R, C> {
  return new HonoOjs(options);
}
