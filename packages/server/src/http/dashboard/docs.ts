import { readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isObject, ProtocolError } from '@ojs-ts/core';
import { type Asked, docsHome, repositoryDocs } from '@ojs-ts/core/requests';
import { isPageFile, PageFile, pageHeaders } from '@ojs-ts/dashboard';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authorization } from '../auth.ts';
import { headerOf, pathOf, redirect, sendPage } from './pages.ts';

/** The site is built for this path: addresses in its pages are absolute. */
export const docsRoot = '/docs/';

/** The exports of `@ojs-ts/docs`. */
export interface DocsPackage {
  /** Absolute path of the built pages. */
  readonly folder: string;
  /** The policy of these pages. The dashboard has another one. */
  readonly contentSecurityPolicy: string;
}

/**
 * The documentation, from the package that an operator may install with the server. Null where it is absent, or has
 * no pages yet, as in a clone that has not built them.
 * @throws what the package throws, and TypeError if it is another package of this name.
 */
export async function findDocs(name = '@ojs-ts/docs'): Promise<DocsPackage | null> {
  const found: unknown = await import(name).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  });
  if (found === null) return null;
  const { folder, contentSecurityPolicy }: Record<string, unknown> = isObject(found) ? found : {};
  if (typeof folder !== 'string' || typeof contentSecurityPolicy !== 'string')
    throw new TypeError(`${name}: expected the exports folder and contentSecurityPolicy, both texts`);
  const isBuilt = await stat(join(folder, 'index.html')).then(
    () => true,
    () => false,
  );
  return isBuilt ? { folder, contentSecurityPolicy } : null;
}

/** Returns the address that the errors of a request link to; null is for bytes that are no request. */
export function docsLinks(
  docsUrl: string | null,
  docs: DocsPackage | null,
): (request: FastifyRequest | null) => Pick<Asked, 'docsUrl'> {
  const fixed = docsUrl === null ? {} : { docsUrl };
  if (docsUrl !== null || docs === null) return () => fixed;
  return (request) => {
    const { protocol = '', host = '' } = request ?? {};
    // A client may send anything as its Host.
    return /^[\w.:[\]-]+$/.test(host) ? { docsUrl: `${protocol}://${host}${docsRoot}` } : {};
  };
}

const missing = 'This server has no documentation, because the package @ojs-ts/docs is not installed.';
const advice = `Install it on the server with npm i @ojs-ts/docs, or read ${docsHome(repositoryDocs)}.`;

/**
 * Serves the documentation, so that an operator without internet has it. A server with tokens asks for a token, or for
 * the session of the dashboard.
 * @param docs null where the package is not installed. The server then answers 404 and says how to install it.
 */
export function addDocs(app: FastifyInstance, docs: DocsPackage | null, authorization: Authorization): void {
  const site = docs && new Site(docs);
  const add = (url: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>) =>
    app.route({
      method: ['GET', 'HEAD'],
      url,
      config: { page: site === null ? 'open' : 'guarded' },
      handler: async (request, reply) => {
        if (site !== null && authorization.isOn && request.holder === null) {
          if (wantsPage(request)) return sendPage(reply, loginFirst);
          authorization.check(request, 'read');
        }
        return handler(request, reply);
      },
    });
  add(docsRoot.slice(0, -1), async (_, reply) => redirect(reply, 'docs/', 308));
  add(`${docsRoot}*`, async (request, reply) => {
    if (site === null) throw new ProtocolError('not_found', missing, { path: pathOf(request) }, advice);
    const path = pathOf(request).slice(docsRoot.length);
    const file = await site.at(path);
    if (file === 'folder') return redirect(reply, `${path.slice(path.lastIndexOf('/') + 1)}/`, 308);
    if (file !== null) return sendPage(reply, await file.answer(headerOf(request)));
    reply.callNotFound();
    return reply;
  });
}

function wantsPage({ headers }: FastifyRequest): boolean {
  return (headers.accept ?? '').includes('text/html');
}

const loginFirst = {
  status: 401,
  headers: {
    ...pageHeaders,
    'cache-control': 'no-store',
    'content-type': 'text/html; charset=utf-8',
    'www-authenticate': 'Bearer',
  },
  body: Buffer.from(`<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>Log in · Open Job Spec</title>
  <p>This server asks for a token. Log in to <a href="/dashboard/">the dashboard</a>, then load this page again.</p>
</html>
`),
} as const;

/** The build gives these files a name for their content, so a browser never asks for them again. */
const namedByContent = 'assets/';
/** The most files in memory, compressed. */
const kept = 64;

/** The built pages. The folder is listed at the first request, and a file is read when a client asks for it. */
class Site {
  readonly #docs: DocsPackage;
  readonly #headers: Readonly<Record<string, string>>;
  #paths: Promise<ReadonlySet<string>> | null = null;
  /** Those asked for last are at the end. */
  readonly #files = new Map<string, Promise<PageFile>>();

  constructor(docs: DocsPackage) {
    this.#docs = docs;
    this.#headers = { ...pageHeaders, 'content-security-policy': docs.contentSecurityPolicy };
  }

  /**
   * The file at a path below the root, in the encoding of the URL: `guides/retries`, `guides/retries.html`, `guides/`.
   * `folder` where only the path with a slash is a page. Only paths of the list are read, so no path leads out of the
   * folder.
   */
  async at(sent: string): Promise<PageFile | 'folder' | null> {
    this.#paths ??= pathsIn(this.#docs.folder).catch((error: unknown) => {
      this.#paths = null;
      throw error;
    });
    const paths = await this.#paths;
    const path = decoded(sent);
    if (path === '' || path.endsWith('/')) return this.#known(paths, `${path}index.html`);
    if (paths.has(path)) return this.#file(path);
    if (paths.has(`${path}.html`)) return this.#file(`${path}.html`);
    return paths.has(`${path}/index.html`) ? 'folder' : null;
  }

  async #known(paths: ReadonlySet<string>, path: string): Promise<PageFile | null> {
    return paths.has(path) ? this.#file(path) : null;
  }

  #file(path: string): Promise<PageFile> {
    const file = this.#files.get(path) ?? this.#read(path);
    this.#files.delete(path);
    this.#files.set(path, file);
    const [oldest] = this.#files.keys();
    if (this.#files.size > kept && oldest !== undefined) this.#files.delete(oldest);
    return file;
  }

  async #read(path: string): Promise<PageFile> {
    try {
      const content = await readFile(join(this.#docs.folder, path));
      const caching = path.startsWith(namedByContent) ? 'max-age=31536000, immutable' : 'no-cache';
      return new PageFile(path, content, caching, this.#headers);
    } catch (error) {
      this.#files.delete(path);
      throw error;
    }
  }
}

async function pathsIn(folder: string): Promise<ReadonlySet<string>> {
  const paths = await readdir(folder, { recursive: true });
  return new Set(paths.map((path) => path.replaceAll(sep, '/')).filter(isPageFile));
}

/** Decodes a path. One that cannot be decoded is returned as sent: it is no file. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
