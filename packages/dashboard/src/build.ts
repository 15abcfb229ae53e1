import { readdir, readFile } from 'node:fs/promises';
import { isPageFile, PageFile } from './page-file.ts';

/** Deeper paths are no pages: their length would multiply what is kept of `index.html`. */
const maxDepth = 32;
/** The build gives these files a name for their content, so a browser never asks for them again. */
const namedByContent = 'assets/';

/** The place of a file or a page, below the root of the pages. */
export interface PagePlace {
  /**
   * As the browser has it, because the browser resolves addresses against that: `/queues/mail`. Empty for the root
   * without its slash.
   */
  readonly path: string;
  /** Last segment of the root's own path, as the browser sees it. Read only where `path` is empty. */
  readonly segment?: string;
}

/** The files of one build by their paths, and `index.html` as each depth of the path needs it. */
export class Build {
  readonly #index: string;
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #indexes = new Map<number, PageFile>();

  private constructor(index: string, files: ReadonlyMap<string, PageFile>) {
    this.#index = index;
    this.#files = files;
  }

  /**
   * Null if there is no build, or if it is being replaced.
   * @param apiRoot address of the API relative to the root of the pages, with its slash.
   */
  static async read(folder: URL, apiRoot: string): Promise<Build | null> {
    try {
      // The build writes it last.
      const index = await readFile(new URL('index.html', folder), 'utf8');
      const paths = (await readdir(folder, { recursive: true })).map((path) => path.replaceAll('\\', '/'));
      const served = paths.filter((path) => isPageFile(path) && path !== 'index.html');
      const files = new Map(await Promise.all(served.map((path) => readPageFile(folder, path))));
      const named = [...index.matchAll(/\s(?:href|src)="\.\/([^"]+)"/g)].map(([, path = '']) => path);
      if (!named.every((path) => files.has(path))) return null;
      return new Build(index.replace(/(<meta name="ojs-api-root" content=")[^"]*/, `$1${apiRoot}`), files);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  /**
   * The file at a path, else the page: the browser side reads its own path. Null for a missing asset, which a browser
   * must not take for a page.
   */
  at({ path, segment = '' }: PagePlace): PageFile | null {
    if (path === '') return this.#indexFor(`./${escaped(segment)}/`);
    const name = path.slice(1);
    const file = this.#files.get(name);
    if (file !== undefined) return file;
    const depth = name.split('/').length - 1;
    return name.startsWith(namedByContent) || depth > maxDepth ? null : this.#indexAt(depth);
  }

  #indexAt(depth: number): PageFile {
    const known = this.#indexes.get(depth);
    if (known !== undefined) return known;
    const file = this.#indexFor(depth === 0 ? './' : '../'.repeat(depth));
    this.#indexes.set(depth, file);
    return file;
  }

  /** Addresses are relative, so that they are right behind a proxy with a path prefix. */
  #indexFor(root: string): PageFile {
    return new PageFile('index.html', Buffer.from(this.#index.replaceAll(relative, (_, start) => `${start}${root}`)));
  }
}

/** The beginning of an address in `index.html`. The address of the API has another attribute, and is not changed. */
const relative = /(\s(?:href|src)=")\.\//g;

async function readPageFile(folder: URL, path: string): Promise<readonly [string, PageFile]> {
  const content = await readFile(new URL(path, folder));
  return [
    path,
    new PageFile(path, content, path.startsWith(namedByContent) ? 'max-age=31536000, immutable' : 'no-cache'),
  ];
}

/** A segment of a path as a part of an attribute: whatever a client sends stays within the quotes. */
function escaped(segment: string): string {
  return segment.replaceAll(/[^\w.~!$()*+,;=:@%-]/g, (sign) => encodeURIComponent(sign.toWellFormed()));
}
