import { readFileSync } from 'node:fs';

/** The folder of the built dashboard. The files talk HTTP to the server that serves them, and to nothing else. */
export const pagesFolder: URL = new URL('../public/', import.meta.url);

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The version of this package. */
export const version =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0';
