import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Page {
  /** Relative to the root of the pages: `operate/production.html`. The first page is `index.html`. */
  readonly path: string;
  /** The anchors of the page, without `#`. */
  readonly anchors: readonly string[];
}

/** The file that the build writes next to the pages. */
interface Manifest {
  readonly contentSecurityPolicy: string;
  readonly pages: readonly Page[];
}

/** Absolute path of the folder with the built pages. Every link in them starts with `/docs/`. */
export const folder: string = fileURLToPath(new URL('../public', import.meta.url));

const file = `${folder}/pages.json`;
const manifest: Manifest = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { contentSecurityPolicy: "default-src 'none'", pages: [] };

/** The header `Content-Security-Policy` of the pages: their own files, and their inline scripts by hash. */
export const contentSecurityPolicy: string = manifest.contentSecurityPolicy;

/** Every page. Empty where the pages are not built, as in a fresh clone. */
export const pages: readonly Page[] = manifest.pages;
