import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

/** What lies beside the checkout where the project is built. */
const shared = fileURLToPath(new URL('../../../../../shared/', import.meta.url));

/**
 * The folder of test cases that are no part of this repository: what `variable` names, else that of `../shared`. Throws
 * where it is named and not there. Where neither is, the cases are left out, with a line that says so and a skipped
 * test; null then.
 */
export function sharedCases(title: string, variable: string, path: string): string | null {
  const named = process.env[variable];
  if (!named && !existsSync(shared)) {
    const why = `${variable} names no folder, and there is no ../shared`;
    console.warn(`The ${title} are left out: ${why}.`);
    test.skip(`left out: the ${title} (${why})`, () => {});
    return null;
  }
  const folder = named ? resolve(named) : resolve(shared, path);
  if (!existsSync(folder))
    throw new Error(`The ${title} are missing: there is no folder ${folder}. ${variable} may name another one.`);
  return folder;
}
