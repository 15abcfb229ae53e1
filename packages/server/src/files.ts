import { readFileSync } from 'node:fs';

// The only module that knows where the files of this package are: it is at the root of `src`, and its build at the root
// of `lib`, in whichever file the bundler puts it.

/** The layouts of the storages, and the scripts of Redis. */
export const sqlFolder = new URL('../sql/', import.meta.url);
export const luaFolder = new URL('../lua/', import.meta.url);

/** A program that runs in a thread or a process of its own, by its path in `src`, without the extension. */
export function program(path: string): URL {
  return new URL(`./${path}${/\.[cm]?[jt]s$/.exec(import.meta.url)?.[0] ?? '.js'}`, import.meta.url);
}

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The version of this package. */
export const version =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0';
