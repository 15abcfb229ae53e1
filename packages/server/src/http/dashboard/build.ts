import { readdir, readFile } from 'node:fs/promises';
import { isPageFile, PageFile } from './page-file.ts';

/** An absent build is looked for at most this often, in milliseconds. */
const lookMs = 1_000;
/** Deeper paths are no pages: their length would multiply what is kept of `index.html`. */
const maxDepth = 32;

/**
 * The built dashboard. Its folder may be filled after the start of the server, because a fresh clone builds it beside
 * its first jobs. Once read, the files stay as they are.
 */
export class DashboardBuild {
  readonly #folder: URL;
  readonly #now: () => number;
  #pages: DashboardPages | null = null;
  #reading: Promise<DashboardPages | null> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** @param now in milliseconds; never goes back. */
  constructor(folder: URL, now: () => number = () => performance.now()) {
    this.#folder = folder;
    this.#now = now;
  }

  /** Null until there is a build. */
  async pages(): Promise<DashboardPages | null> {
    if (this.#pages !== null) return this.#pages;
    if (this.#reading === null && this.#now() - this.#lookedAt >= lookMs) {
      this.#lookedAt = this.#now();
      this.#reading = readBuild(this.#folder).finally(() => {
        this.#reading = null;
      });
    }
    if (this.#reading !== null) this.#pages = await this.#reading;
    return this.#pages;
  }
}

/** The files of a build by their paths, and `index.html` as each depth of the path needs it. */
export class DashboardPages {
  readonly #index: string;
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #indexes = new Map<number, PageFile>();

  constructor(index: string, files: ReadonlyMap<string, PageFile>) {
    this.#index = index;
    this.#files = files;
  }

  /**
   * The file at a path below the UI root, else the page: the browser side reads its own path. Null for a missing asset,
   * which a browser must not take for a page.
   * @param path as the browser has it, because the browser resolves addresses against that.
   */
  at(path: string): PageFile | null {
    const file = this.#files.get(path);
    if (file !== undefined) return file;
    const depth = path.split('/').length - 1;
    return path.startsWith('assets/') || depth > maxDepth ? null : this.#indexAt(depth);
  }

  /** Addresses are relative, so that they are right behind a proxy with a path prefix. */
  #indexAt(depth: number): PageFile {
    const known = this.#indexes.get(depth);
    if (known !== undefined) return known;
    const up = depth === 0 ? './' : '../'.repeat(depth);
    const file = new PageFile('index.html', Buffer.from(this.#index.replace(relative, `$1${up}`)));
    this.#indexes.set(depth, file);
    return file;
  }
}

/** The beginning of an address in `index.html`. The address of the API has another attribute, and is not changed. */
const relative = /(\s(?:href|src)=")\.\//g;

/** Null where there is no build, or where it is being replaced. */
async function readBuild(folder: URL): Promise<DashboardPages | null> {
  try {
    // The build writes it last.
    const index = await readFile(new URL('index.html', folder), 'utf8');
    const paths = (await readdir(folder, { recursive: true })).map((path) => path.replaceAll('\\', '/'));
    const served = paths.filter((path) => isPageFile(path) && path !== 'index.html');
    const files = new Map(await Promise.all(served.map((path) => readPageFile(folder, path))));
    const named = [...index.matchAll(/\s(?:href|src)="\.\/([^"]+)"/g)].map(([, path = '']) => path);
    return named.every((path) => files.has(path)) ? new DashboardPages(index, files) : null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Names in `assets` have a hash of the content. */
async function readPageFile(folder: URL, path: string): Promise<readonly [string, PageFile]> {
  const content = await readFile(new URL(path, folder));
  const isHashed = path.startsWith('assets/');
  return [path, new PageFile(path, content, isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')];
}
