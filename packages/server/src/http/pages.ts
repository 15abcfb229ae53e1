import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { playgroundFolder } from '@ojs-ts/dashboard';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Only its own files and its own server, nothing inline, no frame around it, and no text that becomes HTML or a script.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // A browser keeps its copy and revalidates it.
  'cache-control': 'no-cache',
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A file of the pages: public for everybody who can reach this server, and outside the request rate. */
    readonly page?: boolean;
  }
}

interface PageFile {
  readonly url: string;
  readonly content: Buffer;
  readonly mediaType: string;
  readonly etag: string;
}

/** Read once: a server keeps the files that it was started with. */
function readPages(): readonly PageFile[] {
  const files = readdirSync(playgroundFolder, { recursive: true, encoding: 'utf8' }).map((path) =>
    path.replaceAll('\\', '/'),
  );
  return files.flatMap((path) => {
    const mediaType = mediaTypes[extname(path)];
    if (mediaType === undefined) return [];
    const content = readFileSync(new URL(path, playgroundFolder));
    const etag = `"${createHash('sha256').update(content).digest('base64url')}"`;
    return [{ url: `/${path.replace(/\.html$/, '')}`, content, mediaType, etag }];
  });
}

/** Serves the pages of `@ojs-ts/dashboard`. They contain no data: they read the API with the visitor's token. */
export function addPages(app: FastifyInstance): void {
  const add = (url: string, handler: (request: FastifyRequest, reply: FastifyReply) => FastifyReply) =>
    app.route({
      method: ['GET', 'HEAD'],
      url,
      config: { page: true },
      handler: async (request, reply) => handler(request, reply),
    });
  for (const file of readPages()) {
    add(file.url, (request, reply) => send(file, request, reply));
    // Relative, so that it is right behind a proxy with a path prefix.
    if (extname(file.url) === '')
      add(`${file.url}/`, (_, reply) =>
        reply.headers(headers).removeHeader('content-type').redirect(`..${file.url}`, 308),
      );
  }
}

function send({ content, mediaType, etag }: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers(headers).header('etag', etag);
  if (isCurrent(request.headers['if-none-match'], etag)) return reply.code(304).removeHeader('content-type').send();
  return reply.header('content-type', mediaType).send(content);
}

/** Any entry of a list may match, and a proxy that compresses makes entity tags weak (RFC 9110 §13.1.2). */
function isCurrent(asked: string | undefined, etag: string): boolean {
  return (asked ?? '').split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}
