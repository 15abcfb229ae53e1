import type { NamesOf } from '@ojs-ts/core';
import { contextAppNames, OjsApp, type OjsAppOptions, statusOf } from '../framework/app.ts';
import { metaOf, nodeHeader, type RequestContext } from '../framework/context.ts';
import type { JobTypes } from '../job/definition.ts';
import { checkNames } from '../options/check-names.ts';

export type { HealthReport, OjsApp } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

/** The members of a request that the SDK uses: those of Express 4 and 5, Connect and Node. */
export interface ExpressRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The members of a response that the SDK uses. */
export interface ExpressResponse {
  statusCode: number;
  once(event: 'finish' | 'close', listener: () => void): unknown;
  setHeader(name: string, value: string): unknown;
  end(text: string): unknown;
}

/** The members of an HTTP server that the SDK uses. */
export interface ClosableServer {
  once(event: 'close', listener: () => void): unknown;
}

/** Options of {@link expressOjs}. */
export interface ExpressOptions<R = JobTypes, Q extends ExpressRequest = ExpressRequest> extends OjsAppOptions<R> {
  /**
   * Adds to the meta of the request's jobs, for example the user id. Called when the middleware runs, so it sees only
   * what earlier middleware has set.
   */
  context?: ((request: Q) => RequestContext) | undefined;
}

const names: NamesOf<ExpressOptions> = contextAppNames;

/** The client of an Express application, the context of its requests, and its shutdown. */
export class ExpressOjs<R = JobTypes, Q extends ExpressRequest = ExpressRequest> extends OjsApp<R> {
  readonly #context: ExpressOptions<R, Q>['context'];

  constructor(options: ExpressOptions<R, Q> = {}) {
    checkNames(options, names);
    const { context, ...rest } = options;
    super(rest);
    this.#context = context;
  }

  /** `app.use(ojs.middleware)`, before the routes. */
  readonly middleware = (request: Q, response: ExpressResponse, next: (error?: unknown) => void): void => {
    const scope = this.open(metaOf(nodeHeader(request.headers), this.#context?.(request)));
    let open = true;
    const settle = (succeeded: boolean) => {
      if (open) void this.settle(scope, succeeded);
      open = false;
    };
    response.once('finish', () => settle(response.statusCode < 400));
    // `close` without `finish`: the client has gone before it got the response.
    response.once('close', () => settle(false));
    this.within(scope, next);
  };

  /** `app.get('/health', ojs.healthRoute)`: answers 200, or 503 if server or worker is not healthy. */
  readonly healthRoute = async (_request: Q, response: ExpressResponse): Promise<void> => {
    const report = await this.health();
    response.statusCode = statusOf(report);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(report));
  };

  /**
   * `ojs.closeWith(app.listen(3000))`: starts the worker. When the server has closed, after its last response, it
   * closes worker and client.
   */
  closeWith<S extends ClosableServer>(server: S): S {
    this.start();
    server.once('close', () => void this.close());
    return server;
  }
}

/**
 * Creates the OJS helper of an Express application: client, middleware, health route and shutdown
 * (ojs-framework-adapters §5).
 * @throws {OJSValidationError} for a wrong or unknown option.
 */
export function expressOjs<R = JobTypes, Q extends ExpressRequest = ExpressRequest>(
  options?: ExpressOptions<R, Q>,
): ExpressOjs<R, Q> {
  return new ExpressOjs(options);
}
