import type { NamesOf } from '@ojs-ts/core';
import { contextAppNames, OjsApp, type OjsAppOptions } from '../framework/app.ts';
import { metaOf, nodeHeader, type RequestContext } from '../framework/context.ts';
import { statusOf } from '../framework/health.ts';
import type { JobTypes } from '../job/definition.ts';
import { known } from '../options/known.ts';

export type { HealthReport, OjsApp } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

/** What is used of Express' request, response and server: those of Express 4 and 5, Connect, and Node's own. */
export interface ExpressRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What is used of Express' response. */
export interface ExpressResponse {
  statusCode: number;
  once(event: 'finish' | 'close', listener: () => void): unknown;
  setHeader(name: string, value: string): unknown;
  end(text: string): unknown;
}

/** What is used of an HTTP server. */
export interface ClosableServer {
  once(event: 'close', listener: () => void): unknown;
}

/** Client and worker of the application, and the context of its requests. */
export interface ExpressOptions<R = JobTypes, Q extends ExpressRequest = ExpressRequest> extends OjsAppOptions<R> {
  /**
   * More of the request for the meta of its jobs, such as who is signed in. Asked when the middleware runs: what is
   * signed in later belongs to a later middleware.
   */
  context?: ((request: Q) => RequestContext) | undefined;
}

const names: NamesOf<ExpressOptions> = contextAppNames;

/** The client of an Express application, its requests' context, and its end. */
export class ExpressOjs<R = JobTypes, Q extends ExpressRequest = ExpressRequest> extends OjsApp<R> {
  readonly #context: ExpressOptions<R, Q>['context'];

  constructor(options: ExpressOptions<R, Q> = {}) {
    known(options, names);
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
    // Without a finish before it: the client has gone, and nobody was told of a success.
    response.once('close', () => settle(false));
    this.within(scope, next);
  };

  /** `app.get('/health', ojs.healthRoute)`: 200, or 503. */
  readonly healthRoute = async (_request: Q, response: ExpressResponse): Promise<void> => {
    const report = await this.health();
    response.statusCode = statusOf(report);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(report));
  };

  /**
   * `ojs.closeWith(app.listen(3000))`: starts the worker, and closes when the server has closed, which is when its last
   * response is sent.
   */
  closeWith<S extends ClosableServer>(server: S): S {
    this.start();
    server.once('close', () => void this.close());
    return server;
  }
}

/**
 * The OJS of an Express application: client, middleware, health route, end. @throws {OJSValidationError} for options
 * that cannot be used.
 */
export function expressOjs<R = JobTypes, Q extends ExpressRequest = ExpressRequest>(
  options?: ExpressOptions<R, Q>,
): ExpressOjs<R, Q> {
  return new ExpressOjs(options);
}
