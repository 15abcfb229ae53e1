import type { GuardedTransport } from '@ojs-ts/core';
import { type Engine, Mount } from './mount/mount.ts';
import type { DashboardOptions } from './mount/options.ts';
import { depthOf, placeOf } from './mount/request.ts';
import { answerWeb } from './mount/web.ts';

export type { Authorize, DashboardOptions, Visitor } from './mount/options.ts';

/** The second argument of a route handler of Next.js. */
export interface NextContext {
  readonly params: Promise<Readonly<Record<string, string | readonly string[] | undefined>>>;
}

export type NextHandler<R> = (request: R, context: NextContext) => Promise<Response>;

/** The handlers of a `route.ts`. */
export type NextDashboard<R> = Readonly<Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', NextHandler<R>>>;

/**
 * The dashboard for `app/ops/jobs/[[...path]]/route.ts`:
 * `export const { GET, HEAD, POST, PUT, PATCH, DELETE } = nextDashboard(engine, { authorize })`.
 * @param engine from `openEmbedded()`, or a function that opens it once: `next build` loads the route too, and must not
 * open a store.
 * @throws TypeError for wrong options, and without `authorize`: `next dev` listens to the network, and a route handler
 * cannot learn who is at the other end of the connection.
 */
export function nextDashboard<R extends Request = Request>(
  engine: GuardedTransport | Engine,
  options: DashboardOptions<R> = {},
): NextDashboard<R> {
  const mount = new Mount(engine, options);
  if (options.authorize === undefined)
    throw new TypeError(
      'dashboard: authorize is missing. next dev listens to the network, and Next.js does not say which machine a ' +
        "request comes from. Say who may use it: { authorize: (request) => isOperator(request) ? 'operator' : false }",
    );
  const handler: NextHandler<R> = async (request, context) => {
    const { pathname } = new URL(request.url);
    const below = Object.values(await context.params).find((value) => Array.isArray(value))?.length ?? 0;
    // Next.js removes Content-Encoding from the answers of a route, and compresses them itself.
    return answerWeb(mount, request, placeOf(pathname, depthOf(pathname) - below), request, false);
  };
  return { GET: handler, HEAD: handler, POST: handler, PUT: handler, PATCH: handler, DELETE: handler };
}
