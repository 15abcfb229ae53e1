import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DashboardBuild } from './build.ts';
import { addVary, pageHeaders } from './page-file.ts';

/** The UI root: all paths below it belong to the dashboard. */
const root = '/dashboard/';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A file of the pages: public for everybody who can reach this server, and outside the request rate. */
    readonly page?: boolean;
  }
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>;

/**
 * Serves the pages of `@ojs-ts/dashboard`. They contain no data: they read the API with the visitor's session or token.
 * @param folder of the built dashboard.
 */
export function addPages(app: FastifyInstance, folder: URL): void {
  const add = (url: string, handler: Handler) =>
    app.route({
      method: ['GET', 'HEAD'],
      url,
      config: { page: true },
      handler: async (request, reply) => handler(request, reply),
    });
  addDashboard(add, new DashboardBuild(folder));
  // Links of older pages.
  add('/playground', (_, reply) => redirect(reply, 'dashboard/playground', 308));
  add('/playground/', (_, reply) => redirect(reply, '../dashboard/playground', 308));
}

function addDashboard(add: (url: string, handler: Handler) => void, build: DashboardBuild): void {
  add('/', (request, reply) => {
    addVary(reply, 'Accept');
    if (!(request.headers.accept ?? '').includes('text/html')) {
      reply.callNotFound();
      return reply;
    }
    return redirect(reply, 'dashboard/', 302);
  });
  add('/dashboard', (request, reply) => redirect(reply, `dashboard/${queryOf(request)}`, 308));
  add(`${root}*`, async (request, reply) => {
    const pages = await build.pages();
    if (pages === null) return sendBuilding(reply);
    const file = pages.at(pathOf(request).slice(root.length));
    if (file !== null) return file.send(request, reply);
    reply.callNotFound();
    return reply;
  });
}

/** Relative, so that the address is right behind a proxy with a path prefix. */
function redirect(reply: FastifyReply, to: string, status: 302 | 308): FastifyReply {
  return reply
    .headers({ ...pageHeaders, 'cache-control': 'no-cache' })
    .removeHeader('content-type')
    .redirect(to, status);
}

const building = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>Dashboard · Open Job Spec</title>
  <p>The dashboard is being built. This page reloads itself.</p>
</html>
`;
/** In seconds. */
const reloadAfter = '2';

function sendBuilding(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .headers({ ...pageHeaders, 'cache-control': 'no-store', refresh: reloadAfter, 'retry-after': reloadAfter })
    .header('content-type', 'text/html; charset=utf-8')
    .send(building);
}

/** As it was sent: the browser resolves addresses against that, not against the decoded path. */
function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}

function queryOf({ url }: FastifyRequest): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at);
}
