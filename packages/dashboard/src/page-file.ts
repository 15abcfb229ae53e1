import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { pageHeaders } from './headers.ts';

interface Kind {
  readonly mediaType: string;
  readonly compresses: boolean;
}

const text = (mediaType: string): Kind => ({ mediaType, compresses: true });
const binary = (mediaType: string): Kind => ({ mediaType, compresses: false });

/** The kinds of files that are served. Everything else in a folder is not, such as maps of sources. */
const kinds: Readonly<Record<string, Kind>> = {
  '.html': text('text/html; charset=utf-8'),
  '.css': text('text/css; charset=utf-8'),
  '.js': text('text/javascript; charset=utf-8'),
  '.json': text('application/json; charset=utf-8'),
  '.webmanifest': text('application/manifest+json; charset=utf-8'),
  '.md': text('text/markdown; charset=utf-8'),
  '.txt': text('text/plain; charset=utf-8'),
  '.yaml': text('application/yaml; charset=utf-8'),
  '.svg': text('image/svg+xml'),
  '.png': binary('image/png'),
  '.ico': binary('image/x-icon'),
  '.woff2': binary('font/woff2'),
};

/** How long a browser may use its copy: it asks each time, or never again. */
export type Caching = 'no-cache' | 'max-age=31536000, immutable';

/** Reads a header of the request by its lower-case name. */
export type HeaderReader = (name: 'accept-encoding' | 'if-none-match') => string | undefined;

export interface PageAnswer {
  readonly status: 200 | 304 | 404 | 503;
  /** By lower-case name. A `vary` adds to the one that an answer has. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null for 304 and 404. */
  readonly body: Uint8Array | null;
}

type Encoding = 'identity' | 'gzip' | 'br';

interface Encoded {
  readonly encoding: Encoding;
  readonly content: Buffer;
}

/** Reports whether a file with this path is one of the kinds that are served. */
export function isPageFile(path: string): boolean {
  return kinds[extname(path)] !== undefined;
}

/** A file in memory. It is compressed once, at the first request of a client that takes the encoding. */
export class PageFile {
  readonly #kind: Kind;
  readonly #content: Buffer;
  readonly #digest: string;
  readonly #caching: Caching;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #compressed = new Map<Encoding, Promise<Encoded>>();

  /**
   * @param path of the file; its extension decides the media type.
   * @param caching Default: `no-cache`.
   * @param headers of every answer. Default: those of the dashboard.
   * @throws Error for a path that {@link isPageFile} refuses.
   */
  constructor(
    path: string,
    content: Buffer,
    caching: Caching = 'no-cache',
    headers: Readonly<Record<string, string>> = pageHeaders,
  ) {
    const kind = kinds[extname(path)];
    if (kind === undefined) throw new Error(`${path}: files of this kind are not served`);
    this.#kind = kind;
    this.#content = content;
    this.#digest = createHash('sha256').update(content).digest('base64url');
    this.#caching = caching;
    this.#headers = headers;
  }

  /** The file in the shortest encoding that the client takes, or 304 where the client has that. */
  async answer(header: HeaderReader): Promise<PageAnswer> {
    const { encoding, content } = await this.#encoded(encodingOf(header('accept-encoding')));
    const etag = encoding === 'identity' ? `"${this.#digest}"` : `"${this.#digest}-${encoding}"`;
    const headers = {
      ...this.#headers,
      'cache-control': this.#caching,
      etag,
      ...(this.#kind.compresses && { vary: 'Accept-Encoding' }),
    };
    if (isCurrent(header('if-none-match'), etag)) return { status: 304, headers, body: null };
    return {
      status: 200,
      headers: {
        ...headers,
        'content-type': this.#kind.mediaType,
        ...(encoding !== 'identity' && { 'content-encoding': encoding }),
      },
      body: content,
    };
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

/** Any entry of a list may match, and a proxy that compresses makes entity tags weak (RFC 9110 §13.1.2). */
function isCurrent(asked: string | undefined, etag: string): boolean {
  return (asked ?? '').split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}
