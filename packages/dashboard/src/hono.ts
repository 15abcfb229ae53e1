import type { GuardedTransport } from '@ojs-ts/core';
import { Mount } from './mount/mount.ts';
import type { DashboardOptions } from './mount/options.ts';
import { depthOf, placeOf } from './mount/request.ts';
import { answerWeb } from './mount/web.ts';

export type { Authorize, DashboardOptions, Visitor } from './mount/options.ts';

/** The members of Hono's context that the dashboard uses. */
export interface HonoContext {
  readonly req: { readonly raw: Request; readonly routePath: string };
  /** The value that the runtime passes: `@hono/node-server`, Bun and Deno put the peer's address here. */
  readonly env?: unknown;
}

/**
 * The dashboard for `app.all('/ops/jobs/*', honoDashboard(engine, { authorize }))`. `authorize` gets Hono's context.
 * @param engine from `openEmbedded()`.
 * @throws TypeError for wrong options, and outside of development without `authorize`.
 */
export function honoDashboard<C extends HonoContext = HonoContext>(
  engine: GuardedTransport,
  options: DashboardOptions<C> = {},
): (context: C) => Promise<Response> {
  const mount = new Mount(engine, options);
  return (context) => {
    const { raw, routePath } = context.req;
    const place = placeOf(new URL(raw.url).pathname, depthOf(routePath.replace(/\*$/, '')));
    return answerWeb(mount, raw, { ...place, peer: peerOf(context.env, raw) }, context);
  };
}

interface RuntimeEnv {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
  readonly remoteAddr?: { readonly hostname?: string };
  requestIP?(request: Request): { readonly address: string } | null;
}

function peerOf(env: unknown, request: Request): string | undefined {
  if (typeof env !== 'object' || env === null) return undefined;
  const { incoming, remoteAddr, requestIP }: RuntimeEnv = env;
  return incoming?.socket?.remoteAddress ?? remoteAddr?.hostname ?? requestIP?.call(env, request)?.address ?? undefined;
}
