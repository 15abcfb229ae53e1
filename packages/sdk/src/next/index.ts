import type { NamesOf } from '@ojs-ts/core';
import { contextAppNames, OjsApp, type OjsAppOptions, statusOf } from '../framework/app.ts';
import { metaOf, type RequestContext } from '../framework/context.ts';
import type { JobTypes } from '../job/definition.ts';
import { checkNames } from '../options/check-names.ts';

export type { HealthReport, OjsApp } from '../framework/app.ts';
export type { RequestContext } from '../framework/context.ts';

/** Options of {@link nextOjs}. */
export interface NextOptions<R = JobTypes> extends OjsAppOptions<R> {
  /** `after` of `next/server`: jobs are then sent after the response. Without it, the response waits for them. */
  after?: ((task: () => Promise<void>) => void) | undefined;
  /** `headers` of `next/headers`, for the request context of server actions. */
  requestHeaders?: (() => Promise<{ get(name: string): string | null }>) | undefined;
  /** Adds to the meta of jobs, for example the user id. `request` is undefined in a server action. */
  context?: (request: Request | undefined) => RequestContext | Promise<RequestContext>;
}

const names: NamesOf<NextOptions> = { ...contextAppNames, after: true, requestHeaders: true };

/** The client of a Next.js application, for route handlers and server actions on Node. */
export class NextOjs<R = JobTypes> extends OjsApp<R> {
  readonly #after: NextOptions<R>['after'];
  readonly #requestHeaders: NextOptions<R>['requestHeaders'];
  readonly #context: NextOptions<R>['context'];

  constructor(options: NextOptions<R> = {}) {
    checkNames(options, names);
    const { after, requestHeaders, context, ...rest } = options;
    super(rest);
    this.#after = after;
    this.#requestHeaders = requestHeaders;
    this.#context = context;
  }

  /** Wraps a route handler: `export const POST = ojs.route(async (request) => …)`. */
  route<Q extends Request, A extends unknown[]>(
    handler: (request: Q, ...rest: A) => Response | Promise<Response>,
  ): (request: Q, ...rest: A) => Promise<Response> {
    return async (request, ...rest) =>
      this.#run(
        request,
        (name) => request.headers.get(name) ?? undefined,
        async () => handler(request, ...rest),
        ({ status }) => status < 400,
      );
  }

  /**
   * Wraps a server action: `export const signup = ojs.action(async (form) => …)` in a file with 'use server'. A
   * redirect counts as success; `notFound()` and other errors do not.
   */
  action<A extends unknown[], T>(work: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return async (...args) => {
      const headers = await this.#requestHeaders?.();
      return this.#run(
        undefined,
        (name) => headers?.get(name) ?? undefined,
        () => work(...args),
        () => true,
      );
    };
  }

  /** `export const GET = ojs.healthRoute`: answers 200, or 503 if server or worker is not healthy. */
  readonly healthRoute = async (): Promise<Response> => {
    const report = await this.health();
    return Response.json(report, { status: statusOf(report) });
  };

  async #run<T>(
    request: Request | undefined,
    header: (name: string) => string | undefined,
    work: () => Promise<T>,
    succeeded: (result: T) => boolean,
  ): Promise<T> {
    const scope = this.open(metaOf(header, await this.#context?.(request)));
    let well = false;
    try {
      const result = await this.within(scope, work);
      well = succeeded(result);
      return result;
    } catch (error) {
      well = isRedirect(error);
      throw error;
    } finally {
      if (this.#after === undefined || !well || scope.deferred.length === 0) await this.settle(scope, well);
      else this.#after(() => this.settle(scope, true));
    }
  }
}

/** Next.js throws to redirect. Its errors have a `digest`. */
function isRedirect(error: unknown): boolean {
  return (
    error instanceof Error &&
    'digest' in error &&
    typeof error.digest === 'string' &&
    error.digest.startsWith('NEXT_REDIRECT')
  );
}

/**
 * Creates the OJS helper once per process and name, even if development reloads modules: the first `make` counts.
 * Default name: `default`.
 */
export function nextOjs<R = JobTypes>(make: () => NextOptions<R>, name = 'default'): NextOjs<R> {
  const key = Symbol.for(`@ojs-ts/sdk.next.${name}`);
  const found: unknown = Reflect.get(globalThis, key);
  if (isNextOjs<R>(found)) return found;
  const made = new NextOjs<R>(make());
  Reflect.set(globalThis, key, made);
  return made;
}

function isNextOjs<R>(value: unknown): value is NextOjs<R> {
  return typeof value === 'object' && value !== null && 'route' in value && 'action' in value;
}
