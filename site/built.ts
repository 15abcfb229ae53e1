import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** A page as the package of the documentation lists it. */
export interface Page {
  readonly path: string;
  readonly anchors: readonly string[];
}

/** Every page of a built site. */
export function pagesOf(folder: string): readonly Page[] {
  return globSync('**/*.html', { cwd: folder })
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
    .map((path) => ({ path, anchors: anchorsOf(read(folder, path)) }));
}

/** The policy of the pages: their own files, and their inline scripts by hash. */
export function policyOf(folder: string, pages: readonly Page[]): string {
  const hashes = new Set<string>();
  for (const { path } of pages) {
    for (const [, attributes = '', script = ''] of read(folder, path).matchAll(
      /<script\b([^>]*)>([\s\S]*?)<\/script>/g,
    )) {
      if (/\ssrc=/.test(attributes)) continue;
      hashes.add(`'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    }
  }
  return [
    "default-src 'none'",
    `script-src 'self' ${[...hashes].sort().join(' ')}`,
    // The colors of code are attributes of its words.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The links of the built pages whose file or anchor is missing, one line each. */
export function brokenLinks(folder: string, base: string, pages: readonly Page[]): readonly string[] {
  const anchors = new Map(pages.map((page) => [page.path, new Set(idsOf(read(folder, page.path)))]));
  return pages.flatMap(({ path }) => {
    const links = [...read(folder, path).matchAll(/<(?:a|img|link|script)\b[^>]*?\s(?:href|src)="([^"]*)"/g)];
    const wrong = new Set(
      links.map(([, link = '']) => link.replaceAll('&amp;', '&')).filter((link) => !isGood(link, path)),
    );
    return [...wrong].map((link) => `${path}: ${link}`);
  });

  function isGood(link: string, from: string): boolean {
    if (/^(?:[a-z]+:|\/\/)/.test(link)) return true;
    const [address = '', hash = ''] = link.split('#');
    const path = address.startsWith('/') ? address : posix.join(base, posix.dirname(from), address);
    if (address !== '' && !path.startsWith(base)) return false;
    const place = address === '' ? from : decodeURI(path.slice(base.length)).replace(/(^|\/)$/, '$1index.html');
    const ids = anchors.get(place);
    if (ids === undefined) return hash === '' && existsSync(join(folder, place));
    return hash === '' || ids.has(decodeURIComponent(hash));
  }
}

function anchorsOf(html: string): readonly string[] {
  return [...html.matchAll(/<h[1-6] id="([^"]+)"/g)].map(([, id = '']) => id);
}

function idsOf(html: string): readonly string[] {
  return [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => id);
}

function read(folder: string, path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}
