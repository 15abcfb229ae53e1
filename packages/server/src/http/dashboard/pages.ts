import { type HeaderReader, type PageAnswer, Pages, pageHeaders } from '@ojs-ts/dashboard';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** The UI root: all paths below it belong to the dashboard. */
const root = '/dashboard/';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * A file of the pages, outside the request rate. `open` is for everybody who can reach this server, `guarded` for
     * callers with a token or a session.
     */
    readonly page?: 'open' | 'guarded';
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
      config: { page: 'open' },
      handler: async (request, reply) => handler(request, reply),
    });
  // The API lies beside the UI root.
  addDashboard(add, new Pages({ apiRoot: '../', folder }));
  // Links of older pages.
  add('/playground', (_, reply) => redirect(reply, 'dashboard/playground', 308));
  add('/playground/', (_, reply) => redirect(reply, '../dashboard/playground', 308));
}

function addDashboard(add: (url: string, handler: Handler) => void, pages: Pages): void {
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
    const path = pathOf(request).slice(root.length - 1);
    const answer = await pages.answer({ path, header: headerOf(request) });
    if (answer.status !== 404) return sendPage(reply, answer);
    reply.callNotFound();
    return reply;
  });
}

/** Relative, so that the address is right behind a proxy with a path prefix. */
export function redirect(reply: FastifyReply, to: string, status: 302 | 308): FastifyReply {
  return reply
    .headers({ ...pageHeaders, 'cache-control': 'no-cache' })
    .removeHeader('content-type')
    .redirect(to, status);
}

export function sendPage(
  reply: FastifyReply,
  { status, headers, body }: Omit<PageAnswer, 'status'> & { readonly status: number },
): FastifyReply {
  const { vary, ...others } = headers;
  if (vary !== undefined) addVary(reply, vary);
  return reply
    .code(status)
    .removeHeader('content-type')
    .headers(others)
    .send(body ?? undefined);
}

/** Adds to what other hooks have said. */
function addVary(reply: FastifyReply, name: string): void {
  const before = reply.getHeader('vary');
  reply.header('vary', before === undefined ? name : `${before}, ${name}`);
}

export function headerOf({ headers }: FastifyRequest): HeaderReader {
  return (name) => headers[name];
}

/** Returns the path as sent: the browser resolves addresses against that, not against the decoded path. */
export function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}

function queryOf({ url }: FastifyRequest): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at);
}
