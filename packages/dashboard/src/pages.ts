import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Build, type PagePlace } from './build.ts';
import { pageHeaders } from './headers.ts';
import type { HeaderReader, PageAnswer } from './page-file.ts';

/** The folder of the built dashboard. The files talk HTTP to the server that serves them, and to nothing else. */
export const pagesFolder: URL = new URL('../public/', import.meta.url);

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The version of this package. */
export const version =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0';

/** The folder is looked at at most this often, in milliseconds. */
const lookMs = 1_000;
/** In seconds. */
const reloadAfter = '2';

const building = `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>Dashboard · Open Job Spec</title>
  <p>The dashboard is being built. This page reloads itself.</p>
</html>
`;

/** A request for a page or a file of one. */
export interface PageRequest extends PagePlace {
  readonly header: HeaderReader;
}

export interface PagesOptions {
  /** Address of the API relative to the root of the pages, with its slash: `../`. */
  readonly apiRoot: string;
  /** The folder of the built pages. Default: the one of this package. */
  readonly folder?: URL | undefined;
  /** In milliseconds; never goes back. Default: the time of the process. */
  readonly now?: (() => number) | undefined;
}

/**
 * The built dashboard, for any server. A path that is no file is a view of the browser side, which gets `index.html`
 * with addresses that are right at that depth, behind any prefix.
 *
 * The folder may be filled or replaced while the server runs: a clone builds it beside its first jobs. Files of an
 * older build are 404 then.
 */
export class Pages {
  readonly #apiRoot: string;
  readonly #folder: URL;
  readonly #now: () => number;
  #build: Build | null = null;
  /** When `index.html` of the build was written. */
  #builtAt: number | null = null;
  #looking: Promise<void> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor({ apiRoot, folder = pagesFolder, now = () => performance.now() }: PagesOptions) {
    this.#apiRoot = apiRoot;
    this.#folder = folder;
    this.#now = now;
  }

  /** 503 with a page that reloads itself until there is a build. Rejects where the folder cannot be read. */
  async answer(request: PageRequest): Promise<PageAnswer> {
    await this.#look();
    if (this.#build === null) return notBuilt;
    const file = this.#build.at(request);
    return file === null ? { status: 404, headers: pageHeaders, body: null } : file.answer(request.header);
  }

  /** Requests of the same time wait for one look. */
  async #look(): Promise<void> {
    if (this.#looking === null && this.#now() - this.#lookedAt >= lookMs) {
      this.#lookedAt = this.#now();
      this.#looking = this.#read().finally(() => {
        this.#looking = null;
      });
    }
    await this.#looking;
  }

  /** A build that is incomplete does not replace the one in memory. */
  async #read(): Promise<void> {
    const writtenAt = await writtenAtOf(this.#folder);
    if (writtenAt === null || writtenAt === this.#builtAt) return;
    const build = await Build.read(this.#folder, this.#apiRoot);
    if (build === null) return;
    this.#build = build;
    this.#builtAt = writtenAt;
  }
}

const notBuilt: PageAnswer = {
  status: 503,
  headers: {
    ...pageHeaders,
    'cache-control': 'no-store',
    'content-type': 'text/html; charset=utf-8',
    refresh: reloadAfter,
    'retry-after': reloadAfter,
  },
  body: Buffer.from(building),
};

/** Null without an `index.html`. */
async function writtenAtOf(folder: URL): Promise<number | null> {
  try {
    return (await stat(new URL('index.html', folder))).mtimeMs;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
