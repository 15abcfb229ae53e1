import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

interface Kind {
  readonly mediaType: string;
  readonly compresses: boolean;
}

const text = (mediaType: string): Kind => ({ mediaType, compresses: true });
const binary = (mediaType: string): Kind => ({ mediaType, compresses: false });

/** What is served. Everything else in a folder is not, such as maps of sources. */
const kinds: Readonly<Record<string, Kind>> = {
  '.html': text('text/html; charset=utf-8'),
  '.css': text('text/css; charset=utf-8'),
  '.js': text('text/javascript; charset=utf-8'),
  '.json': text('application/json; charset=utf-8'),
  '.webmanifest': text('application/manifest+json; charset=utf-8'),
  '.svg': text('image/svg+xml'),
  '.png': binary('image/png'),
  '.woff2': binary('font/woff2'),
};

/**
 * Only its own files and its own server, nothing inline, no frame around it, and no text that becomes HTML or a script.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types ojs-worker',
].join('; ');

/** Of every page and every file of one. */
export const pageHeaders = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** How long a browser may use its copy: it asks each time, or never again. */
export type Caching = 'no-cache' | 'public, max-age=31536000, immutable';

type Encoding = 'identity' | 'gzip' | 'br';

interface Encoded {
  readonly encoding: Encoding;
  readonly content: Buffer;
}

export function isPageFile(path: string): boolean {
  return kinds[extname(path)] !== undefined;
}

/** A file in memory. It is compressed once, at the first request of a client that takes the encoding. */
export class PageFile {
  readonly #kind: Kind;
  readonly #content: Buffer;
  readonly #digest: string;
  readonly #caching: Caching;
  readonly #compressed = new Map<Encoding, Promise<Encoded>>();

  /** Throws an Error for a path that {@link isPageFile} refuses. */
  constructor(path: string, content: Buffer, caching: Caching = 'no-cache') {
    const kind = kinds[extname(path)];
    if (kind === undefined) throw new Error(`${path}: files of this kind are not served`);
    this.#kind = kind;
    this.#content = content;
    this.#digest = createHash('sha256').update(content).digest('base64url');
    this.#caching = caching;
  }

  async send(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { encoding, content } = await this.#encoded(encodingOf(request.headers['accept-encoding']));
    const etag = encoding === 'identity' ? `"${this.#digest}"` : `"${this.#digest}-${encoding}"`;
    reply.headers(pageHeaders).header('cache-control', this.#caching).header('etag', etag);
    if (this.#kind.compresses) addVary(reply, 'Accept-Encoding');
    if (isCurrent(request.headers['if-none-match'], etag)) return reply.code(304).removeHeader('content-type').send();
    if (encoding !== 'identity') reply.header('content-encoding', encoding);
    return reply.header('content-type', this.#kind.mediaType).send(content);
  }

  #encoded(wanted: Encoding): Promise<Encoded> | Encoded {
    if (wanted === 'identity' || !this.#kind.compresses) return { encoding: 'identity', content: this.#content };
    const under = this.#compressed.get(wanted);
    if (under !== undefined) return under;
    const compressing = compress(this.#content, wanted);
    this.#compressed.set(wanted, compressing);
    return compressing;
  }
}

/** Level 9 of Brotli takes 60 ms for 1.3 MB of scripts, level 11 seconds, and the first visitor waits for it. */
async function compress(content: Buffer, encoding: 'gzip' | 'br'): Promise<Encoded> {
  const compressed =
    encoding === 'gzip'
      ? await promisify(gzip)(content, { level: 9 })
      : await promisify(brotliCompress)(content, {
          params: {
            [constants.BROTLI_PARAM_QUALITY]: 9,
            [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
          },
        });
  return compressed.length < content.length ? { encoding, content: compressed } : { encoding: 'identity', content };
}

/** The shorter of the encodings that the client takes (RFC 9110 §12.5.3). */
function encodingOf(accepted = ''): Encoding {
  const taken = new Set(
    accepted.split(',').flatMap((one) => {
      const [name = '', ...parameters] = one.toLowerCase().split(';');
      return parameters.some((parameter) => /^\s*q=0(?:\.0*)?\s*$/.test(parameter)) ? [] : [name.trim()];
    }),
  );
  return taken.has('br') ? 'br' : taken.has('gzip') ? 'gzip' : 'identity';
}

/** Adds to what other hooks have said. */
export function addVary(reply: FastifyReply, name: string): void {
  const before = reply.getHeader('vary');
  reply.header('vary', before === undefined ? name : `${before}, ${name}`);
}

/** Any entry of a list may match, and a proxy that compresses makes entity tags weak (RFC 9110 §13.1.2). */
function isCurrent(asked: string | undefined, etag: string): boolean {
  return (asked ?? '').split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}
