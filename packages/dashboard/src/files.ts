import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pageHeaders } from './headers.ts';

/** The folder of the pages as they are served. The files talk HTTP to the server that serves them, and to nothing else. */
export const pagesFolder: URL = new URL('../public/', import.meta.url);

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};
const compressed: ReadonlySet<string> = new Set(['.css', '.js', '.json', '.webmanifest', '.svg']);
/** Below this a compressed file saves no packet; in bytes. */
const leastCompressed = 1_024;
/** The build gives these files a name for their content, so a browser never asks for them again. */
const namedByContent = '/assets/';

export interface PageRequest {
  /** Path below the root of the pages: `/queues/mail`; empty for the root without its slash. */
  readonly path: string;
  /** Last segment of the root's own path, as the browser sees it. Read only where `path` is empty. */
  readonly segment?: string;
  /** By lower-case name. */
  header(name: 'if-none-match' | 'accept-encoding'): string | undefined;
}

export interface PageAnswer {
  readonly status: 200 | 304 | 404;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/**
 * The built pages, read once: a server keeps the files that it was started with. A path that is no file is a view of
 * the application, which gets `index.html` with addresses that are right at that depth, behind any prefix.
 */
export class Pages {
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #index: string;

  private constructor(files: ReadonlyMap<string, PageFile>, index: string) {
    this.#files = files;
    this.#index = index;
  }

  /**
   * @param apiRoot address of the API relative to the root of the pages, with its slash.
   * @returns null where the folder has no `index.html`, because the pages were not built.
   */
  static read(apiRoot: string, folder: URL = pagesFolder): Pages | null {
    if (!existsSync(folder)) return null;
    const files = new Map(
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
        const path = name.replaceAll('\\', '/');
        return mediaTypes[extname(path)] === undefined ? [] : [[`/${path}`, readFileSync(new URL(path, folder))]];
      }),
    );
    const index = files.get('/index.html');
    if (index === undefined) return null;
    files.delete('/index.html');
    return new Pages(
      new Map([...files].map(([path, content]) => [path, new PageFile(path, content)])),
      index.toString('utf8').replace(/(<meta name="ojs-api-root" content=")[^"]*/, `$1${apiRoot}`),
    );
  }

  async answer(request: PageRequest): Promise<PageAnswer> {
    const file = this.#files.get(request.path) ?? this.#view(request);
    if (file === null) return { status: 404, headers: pageHeaders, body: null };
    const headers = { ...pageHeaders, ...file.headers };
    if (isCurrent(request.header('if-none-match'), file.etag)) return { status: 304, headers, body: null };
    const isSmall = file.canCompress && acceptsGzip(request.header('accept-encoding'));
    return {
      status: 200,
      headers: { ...headers, 'content-type': file.mediaType, ...(isSmall && { 'content-encoding': 'gzip' }) },
      body: isSmall ? await file.compressed() : file.content,
    };
  }

  /** A file of an older build is no view: a script must not become HTML. */
  #view({ path, segment = '' }: PageRequest): PageFile | null {
    if (path.startsWith(namedByContent)) return null;
    const root = path === '' ? `./${escaped(segment)}/` : '../'.repeat(path.split('/').length - 2) || './';
    const text = this.#index.replaceAll(/\b(href|src)="\.\//g, `$1="${root}`);
    return new PageFile('/index.html', Buffer.from(text));
  }
}

class PageFile {
  readonly content: Buffer;
  readonly mediaType: string;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly canCompress: boolean;
  #compressed: Promise<Buffer> | null = null;

  constructor(path: string, content: Buffer) {
    const extension = extname(path);
    this.content = content;
    this.mediaType = mediaTypes[extension] ?? 'application/octet-stream';
    // Weak, because the compressed form has the same.
    this.etag = `W/"${createHash('sha256').update(content).digest('base64url')}"`;
    this.canCompress = compressed.has(extension) && content.length >= leastCompressed;
    this.headers = {
      etag: this.etag,
      'cache-control': path.startsWith(namedByContent) ? 'max-age=31536000, immutable' : 'no-cache',
      ...(this.canCompress && { vary: 'accept-encoding' }),
    };
  }

  compressed(): Promise<Buffer> {
    this.#compressed ??= promisify(gzip)(this.content, { level: 9 });
    return this.#compressed;
  }
}

/** A segment of a path as a part of an attribute: whatever a client sends stays within the quotes. */
function escaped(segment: string): string {
  return segment.replaceAll(/[^\w.~!$()*+,;=:@%-]/g, (sign) => encodeURIComponent(sign.toWellFormed()));
}

/** Any entry of a list may match, and entity tags are compared weakly (RFC 9110 §13.1.2). */
function isCurrent(asked: string | undefined, etag: string): boolean {
  const opaque = (text: string) => text.trim().replace(/^W\//, '');
  return (asked ?? '').split(',').some((one) => one.trim() === '*' || opaque(one) === opaque(etag));
}

function acceptsGzip(accepted: string | undefined): boolean {
  return /(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))|,|$)/i.test(accepted ?? '');
}
