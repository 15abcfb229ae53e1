import type { ServerResponse } from 'node:http';
import type { GuardedTransport } from '@ojs-ts/core';
import { Mount } from './mount/mount.ts';
import { type NodeRequest, nodeRequest, sendNode } from './mount/node.ts';
import type { DashboardOptions } from './mount/options.ts';
import { depthOf, type MountPlace, placeOf } from './mount/request.ts';

export type { Authorize, DashboardOptions, Visitor } from './mount/options.ts';

/** The members of a request that the dashboard uses: those of Express 4 and 5, Connect and Node. */
export interface ExpressRequest extends NodeRequest {
  readonly baseUrl?: string;
  readonly originalUrl?: string;
  readonly ip?: string | undefined;
}

/** The middleware type of Express. */
export type ExpressDashboard<R> = (request: R, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * The dashboard for `app.use('/ops/jobs', expressDashboard(engine, { authorize }))`. Mount it before `express.json()`
 * and other body parsers: they would change the numbers of your jobs.
 * @param engine from `openEmbedded()`.
 * @throws TypeError for wrong options, and outside of development without `authorize`.
 */
export function expressDashboard<R extends ExpressRequest = ExpressRequest>(
  engine: GuardedTransport,
  options: DashboardOptions<R> = {},
): ExpressDashboard<R> {
  const mount = new Mount(engine, options);
  return (request, response, next) => {
    const asked = nodeRequest(request, response, placeIn(request), { request, address: request.ip });
    mount
      .answer(asked)
      .then((answer) => sendNode(response, answer))
      .catch((error: unknown) => {
        // A client that has gone waits for no answer.
        if (!asked.signal.aborted) next(error);
      });
  };
}

/** Express removes the mount point from `url`, and leaves a slash in any case. */
function placeIn({ baseUrl = '', originalUrl, url = '/' }: ExpressRequest): MountPlace {
  const path = pathOf(url);
  const isBare = path === '/' && baseUrl !== '' && !pathOf(originalUrl ?? url).endsWith('/');
  return placeOf(isBare ? baseUrl : `${baseUrl}${path}`, depthOf(baseUrl));
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '/';
}
